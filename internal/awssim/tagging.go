package awssim

import (
	"slices"
	"strings"
)

// taggingService is the Resource Groups Tagging API. Fifteen GetResources requests
// a second is a choice near what AWS grants.
func taggingService() *service {
	return &service{
		name: "tagging", prefix: "tag", protocol: awsJSON11, target: "ResourceGroupsTaggingAPI_20170126",
		words: map[failure]wording{
			failThrottled:  {status: 400, code: "ThrottledException"},
			failValidation: {status: 400, code: "InvalidParameterException"},
			failBadToken:   {status: 400, code: "PaginationTokenExpiredException"},
			failInternal:   {status: 500, code: "InternalServiceException"},
		},
		quotas: []quota{{name: "GetResources", perSecond: 15}},
		operations: []operation{{
			name: "GetResources", run: getResources,
			params: []param{
				{name: "ResourcesPerPage", min: 1, max: 100},
				{name: "TagFilters", list: true, max: 50},
				{name: "ResourceTypeFilters", list: true, max: 100},
				{name: "ResourceARNList", list: true, max: 100},
			},
		}},
	}
}

// A taggedResource is a resource as the tagging API knows it.
type taggedResource struct {
	kind string // "lambda:function"
	arn  string
	tags map[string]string
}

func getResources(c *call) (obj, error) {
	arns := c.strings("ResourceARNList")
	if len(arns) > 0 && (len(c.objects("TagFilters")) > 0 || len(c.strings("ResourceTypeFilters")) > 0 || c.params["ResourcesPerPage"] != nil) {
		return nil, c.fail(failValidation, "ResourceARNList cannot be combined with other filters")
	}
	var found []obj
	for _, r := range c.world().tagged() {
		if c.wantsTagged(r, arns) {
			found = append(found, obj{"ResourceARN": r.arn, "Tags": tagList(r.tags, "Key", "Value")})
		}
	}
	items, next, err := page(c, paging{token: "PaginationToken", limit: "ResourcesPerPage", size: 100}, found)
	if err != nil {
		return nil, err
	}
	if next == nil {
		next = "" // the service answers with an empty token at the end
	}
	return obj{"ResourceTagMappingList": items, "PaginationToken": next}, nil
}

// wantsTagged reports whether the resource fits. Resources without tags never
// do: the service does not know them, nor those whose tags it may not read.
func (c *call) wantsTagged(r taggedResource, arns []string) bool {
	if len(r.tags) == 0 || c.tagsUnreadable(r.arn) {
		return false
	}
	if len(arns) > 0 {
		return slices.Contains(arns, r.arn)
	}
	if kinds := c.strings("ResourceTypeFilters"); len(kinds) > 0 && !slices.ContainsFunc(kinds, func(k string) bool { return ofKind(r.kind, k) }) {
		return false
	}
	return !slices.ContainsFunc(c.objects("TagFilters"), func(filter obj) bool { return !tagFits(r.tags, filter) })
}

// tagsUnreadable reports whether the world hides a resource's tags from the caller.
func (c *call) tagsUnreadable(arn string) bool {
	return c.home() != nil && slices.Contains(c.home().UnreadableTags, arn)
}

// ofKind reports whether a resource type is the filter's: a whole service or one type.
func ofKind(kind, filter string) bool {
	return kind == filter || strings.HasPrefix(kind, filter+":")
}

func tagFits(tags map[string]string, filter obj) bool {
	key, _ := filter["Key"].(string)
	value, has := tags[key]
	values := stringList(filter["Values"])
	return has && (len(values) == 0 || slices.Contains(values, value))
}

// tagged lists what can have tags in the region, by service, as the tagging API does.
func (r *Region) tagged() []taggedResource {
	var all []taggedResource
	add := func(kind, arn string, tags map[string]string) { all = append(all, taggedResource{kind, arn, tags}) }
	for _, t := range r.Tables {
		add("dynamodb:table", t.ARN, t.Tags)
	}
	all = append(all, r.taggedNetwork()...)
	for _, b := range r.EventBuses {
		add("events:event-bus", b.ARN, b.Tags)
	}
	for _, rule := range r.Rules {
		add("events:rule", rule.ARN, rule.Tags)
	}
	for _, s := range r.Streams {
		add("kinesis:stream", s.ARN, s.Tags)
	}
	for _, m := range r.Mappings {
		add("lambda:event-source-mapping", m.ARN, m.Tags)
	}
	for _, f := range r.Functions {
		add("lambda:function", f.ARN, f.Tags)
	}
	for _, g := range r.LogGroups() {
		add("logs:log-group", g.ARN, g.Tags)
	}
	for _, b := range r.Buckets {
		add("s3", b.ARN, b.Tags)
	}
	for _, t := range r.Topics {
		add("sns", t.ARN, t.Tags)
	}
	for _, q := range r.Queues {
		add("sqs", q.ARN, q.Tags)
	}
	return all
}

// taggedNetwork lists EC2's resources.
func (r *Region) taggedNetwork() []taggedResource {
	var all []taggedResource
	add := func(kind, id string, tags map[string]string) {
		all = append(all, taggedResource{"ec2:" + kind, "arn:" + r.partition() + ":ec2:" + r.Name + ":" + r.world.Account + ":" + kind + "/" + id, tags})
	}
	for _, n := range r.NATGateways {
		add("natgateway", n.ID, n.Tags)
	}
	for _, t := range r.RouteTables {
		add("route-table", t.ID, t.Tags)
	}
	for _, g := range r.SecurityGroups {
		add("security-group", g.ID, g.Tags)
	}
	for _, s := range r.Subnets {
		add("subnet", s.ID, s.Tags)
	}
	for _, v := range r.VPCs {
		add("vpc", v.ID, v.Tags)
	}
	for _, e := range r.Endpoints {
		add("vpc-endpoint", e.ID, e.Tags)
	}
	for _, p := range r.Peerings {
		add("vpc-peering-connection", p.ID, p.Tags)
	}
	return all
}

// partition is the account's.
func (r *Region) partition() string {
	if r.world.Partition == "" {
		return "aws"
	}
	return r.world.Partition
}
