package awssim

import (
	"net/http"
	"slices"
	"strings"
)

// pipesService is EventBridge Pipes. AWS publishes no rates of its control plane.
func pipesService() *service {
	return &service{
		name: "pipes", prefix: "pipes", protocol: restJSON,
		words: map[failure]wording{
			failThrottled:  {status: 429, code: "ThrottlingException"},
			failValidation: {status: 400, code: "ValidationException"},
			failBadToken:   {status: 400, code: "ValidationException"},
			failInternal:   {status: 500, code: "InternalException"},
		},
		quotas: []quota{{name: "requests", perSecond: 10}},
		operations: []operation{
			{
				name: "ListPipes", method: http.MethodGet, path: "/v1/pipes", run: listPipes,
				params: []param{{name: "Limit", min: 1, max: 100}}, resource: func(c *call) string { return c.arn("pipes", "pipe/*") },
			},
			{
				name: "DescribePipe", method: http.MethodGet, path: "/v1/pipes/{Name}", run: describePipe,
				params: []param{{name: "Name", required: true}}, resource: func(c *call) string { return c.arn("pipes", "pipe/"+c.str("Name")) },
			},
		},
	}
}

func listPipes(c *call) (obj, error) {
	all := slices.DeleteFunc(slices.Clone(c.world().Pipes), func(p *Pipe) bool { return !strings.HasPrefix(p.Name, c.str("NamePrefix")) })
	items, next, err := page(c, paging{token: "NextToken", limit: "Limit", size: 100}, all)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Pipes": mapOf(items, pipe), "NextToken": next}), nil
}

func pipe(p *Pipe) obj {
	return compact(obj{
		"Arn": p.ARN, "Name": p.Name, "CurrentState": p.State, "DesiredState": p.State, "CreationTime": p.CreatedAt, "LastModifiedTime": p.CreatedAt,
		"Source": p.SourceARN, "Enrichment": text(p.EnrichmentARN), "Target": p.TargetARN, "StateReason": "User initiated",
	})
}

func describePipe(c *call) (obj, error) {
	all := c.world().Pipes
	i := slices.IndexFunc(all, func(p *Pipe) bool { return p.Name == c.str("Name") })
	if i < 0 {
		return nil, errorf(404, "NotFoundException", "Pipe %s does not exist.", c.str("Name"))
	}
	p := all[i]
	source := obj{}
	if len(p.Filters) > 0 {
		filters := mapOf(p.Filters, func(pattern string) obj { return obj{"Pattern": pattern} })
		source["FilterCriteria"] = obj{"Filters": filters}
	}
	parameters := obj{"BatchSize": p.BatchSize}
	kind := "SqsQueueParameters"
	switch {
	case strings.Contains(p.SourceARN, ":kinesis:"):
		kind = "KinesisStreamParameters"
	case strings.Contains(p.SourceARN, ":dynamodb:"):
		kind = "DynamoDBStreamParameters"
	}
	if kind != "SqsQueueParameters" {
		parameters["StartingPosition"], parameters["MaximumRetryAttempts"], parameters["MaximumRecordAgeInSeconds"] = "LATEST", -1, -1
		if p.DLQARN != "" {
			parameters["DeadLetterConfig"] = obj{"Arn": p.DLQARN}
		}
	}
	source[kind] = parameters
	o := pipe(p)
	o["RoleArn"], o["SourceParameters"], o["Tags"] = p.RoleARN, source, map[string]string{}
	o["LogConfiguration"] = obj{"Level": "ERROR", "CloudwatchLogsLogDestination": obj{"LogGroupArn": c.arn("logs", "log-group:/aws/vendedlogs/pipes/"+p.Name)}}
	return o, nil
}
