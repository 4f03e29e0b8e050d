package awssim

func tagScenarios() []scenario {
	return []scenario{
		{name: "playground", functions: 1, plant: (*scene).missingKey},
		{name: "hotfix", functions: 1, plant: (*scene).emptyValue},
		{name: "spike", functions: 1, plant: (*scene).neverTagged},
		{name: "beta", functions: 1, plant: (*scene).missingKey},
		{name: "renewal", functions: 1, plant: (*scene).aliasKeys},
		{name: "invoice", functions: 1, plant: (*scene).capitalKeys},
		{name: "vault", functions: 1, plant: (*scene).unreadableTags},
	}
}

// visited is a function with ordinary traffic, so that its tags are worth dollars.
func (sc *scene) visited() *build {
	f := sc.function("")
	f.traffic(between(f.random, 300, 5000), between(f.random, 60, 500)).shape = sc.shapes()[1]
	f.onAPI()
	return f
}

// neverTagged has no tag at all, so the tagging API does not know it.
func (sc *scene) neverTagged() {
	f := sc.visited()
	f.Tags = map[string]string{}
	sc.planted(untaggedResources, f.ARN, Certain, "no tags at all: the tagging API never returns it")
}

func (sc *scene) missingKey() {
	f := sc.visited()
	key := pick(f.random, "owner", "cost-center", "environment")
	delete(f.Tags, key)
	sc.planted(untaggedResources, f.ARN, Certain, "%s is missing", key)
}

func (sc *scene) emptyValue() {
	f := sc.visited()
	key := pick(f.random, "owner", "cost-center", "environment")
	f.Tags[key] = ""
	sc.planted(untaggedResources, f.ARN, Certain, "%s is empty", key)
}

func (sc *scene) rekey(f *build, keys map[string]string) {
	for from, to := range keys {
		f.Tags[to] = f.Tags[from]
		delete(f.Tags, from)
	}
}

func (sc *scene) aliasKeys() {
	f := sc.visited()
	sc.rekey(f, map[string]string{"owner": "team", "cost-center": "costcenter", "environment": "env"})
	sc.nearMiss(untaggedResources, f.ARN, "tagged with aliases: team, costcenter, env")
}

func (sc *scene) capitalKeys() {
	f := sc.visited()
	sc.rekey(f, map[string]string{"owner": "Owner", "cost-center": "CostCenter", "environment": pick(f.random, "Environment", "stage")})
	sc.nearMiss(untaggedResources, f.ARN, "tagged with aliases in another case: Owner, CostCenter")
}

// unreadableTags cannot be determined: reading them is denied, and the tagging
// API leaves the function out as if it had none.
func (sc *scene) unreadableTags() {
	f := sc.visited()
	sc.w.UnreadableTags = append(sc.w.UnreadableTags, f.ARN)
	sc.nearMiss(untaggedResources, f.ARN, "tagged, but its tags cannot be read: lambda:ListTags is denied")
}
