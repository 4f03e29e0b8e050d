package awssim

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
)

// oamService is CloudWatch's Observability Access Manager: a monitoring account
// has a sink in every region, to which source accounts attach links
// (https://docs.aws.amazon.com/OAM/latest/APIReference/Welcome.html). AWS
// publishes no quota of requests.
func oamService() *service {
	size := param{name: "MaxResults", min: 1, max: 100}
	return &service{
		name: "oam", prefix: "oam", protocol: restJSON,
		quotas: []quota{{name: "requests", perSecond: 10}},
		operations: []operation{
			{
				name: "ListAttachedLinks", method: http.MethodPost, path: "/ListAttachedLinks", run: listAttachedLinks,
				params:   []param{{name: "SinkIdentifier", required: true}, {name: "MaxResults", min: 1, max: 1000}},
				resource: func(c *call) string { return c.str("SinkIdentifier") },
			},
			{name: "ListSinks", method: http.MethodPost, path: "/ListSinks", run: listSinks, params: []param{size}, resource: func(c *call) string { return c.arn("oam", "/ListSinks") }},
		},
	}
}

// monitors reports whether the account asked may read metrics of another.
func (c *call) monitors(account string) bool {
	return slices.ContainsFunc(c.home().Sources, func(s Source) bool { return s.Account == account && slices.Contains(s.Shares, MetricLink) })
}

// oamID is the id of a sink or link, the same every time.
func oamID(parts ...any) string {
	h := fnv.New64a()
	fmt.Fprint(h, parts...)
	n := h.Sum64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(n>>32), uint16(n>>16), n&0xfff, n>>4&0xfff, n>>8&0xffffffffffff)
}

func (c *call) sinkARN() string { return c.arn("oam", "sink/"+oamID("sink", c.account(), c.region)) }

func listSinks(c *call) (obj, error) {
	var sinks []obj
	if len(c.home().Sources) > 0 {
		arn := c.sinkARN()
		sinks = append(sinks, obj{"Arn": arn, "Id": arn[len(arn)-36:], "Name": "observability"})
	}
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxResults", size: 5}, sinks)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Items": items, "NextToken": next}), nil
}

func listAttachedLinks(c *call) (obj, error) {
	if c.str("SinkIdentifier") != c.sinkARN() || len(c.home().Sources) == 0 {
		return nil, errorf(404, "ResourceNotFoundException", "Sink %s does not exist.", c.str("SinkIdentifier"))
	}
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxResults", size: 5}, c.home().Sources)
	if err != nil {
		return nil, err
	}
	links := mapOf(items, func(s Source) obj {
		return obj{
			"Label":         s.Account,
			"LinkArn":       fmt.Sprintf("arn:%s:oam:%s:%s:link/%s", c.server.partition(), c.region, s.Account, oamID("link", s.Account, c.region)),
			"ResourceTypes": s.Shares,
		}
	})
	return compact(obj{"Items": links, "NextToken": next}), nil
}
