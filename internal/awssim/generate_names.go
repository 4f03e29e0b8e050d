package awssim

import "fmt"

// team is an organisational unit of the simulated company.
type team struct {
	name       string
	owner      string
	costCenter string
}

func teams() []team {
	return []team{
		{"checkout", "team-checkout", "cc-1010"},
		{"orders", "team-orders", "cc-1020"},
		{"billing", "team-finance-tech", "cc-2010"},
		{"media", "team-media", "cc-3010"},
		{"etl", "team-data-platform", "cc-4010"},
		{"search", "team-discovery", "cc-3020"},
		{"users", "team-identity", "cc-1030"},
		{"notify", "team-messaging", "cc-1040"},
		{"inventory", "team-supply", "cc-5010"},
		{"shipping", "team-supply", "cc-5020"},
		{"pricing", "team-revenue", "cc-2020"},
		{"fraud", "team-risk", "cc-2030"},
		{"reports", "team-data-platform", "cc-4020"},
		{"catalog", "team-discovery", "cc-3030"},
		{"partners", "team-integrations", "cc-6010"},
		{"iot", "team-devices", "cc-6020"},
	}
}

func components() []string {
	return []string{
		"authorize", "validate", "enrich", "dispatch", "aggregate", "sync", "publish", "index", "audit", "webhook", "expire", "lookup",
	}
}

func environments() []string { return []string{"prod", "staging", "dev"} }

// identity is who a function is before anything is known about it.
type identity struct {
	team team
	env  string
	name string
}

// identityOf numbers all background names of a region. The order differs by seed
// and region, so some names exist in several regions, as in real accounts.
func identityOf(seed int64, region string, n int) identity {
	list, parts, envs := teams(), components(), environments()
	all := len(list) * len(parts) * len(envs)
	r := newRand(streamKey(seed, region, "names"), 0)
	stride := pick(r, 5, 7, 11, 13, 17, 19) // prime to all three counts' product
	at := (r.IntN(all) + n%all*stride) % all
	id := identity{team: list[at%len(list)], env: envs[at/len(list)%len(envs)]}
	part := parts[at/len(list)/len(envs)]
	id.name = fmt.Sprintf("%s-%s-%s", id.team.name, part, id.env)
	if round := n / all; round > 0 {
		id.name = fmt.Sprintf("%s-%s-c%02d-%s", id.team.name, part, round+1, id.env)
	}
	return id
}

// tags are what every resource of the identity carries.
func (id identity) tags() map[string]string {
	return map[string]string{
		"owner": id.team.owner, "cost-center": id.team.costCenter, "environment": id.env,
		"service": id.team.name, "managed-by": "terraform",
	}
}
