package awssim

import (
	"slices"
	"strings"
)

// kinesisService is Kinesis Data Streams' control plane
// (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html).
func kinesisService() *service {
	return &service{
		name: "kinesis", prefix: "kinesis", protocol: awsJSON11, target: "Kinesis_20131202",
		words: map[failure]wording{
			failThrottled: {status: 400, code: "LimitExceededException"},
			failBadToken:  {status: 400, code: "ExpiredNextTokenException"},
			failInternal:  {status: 500, code: "InternalFailure"},
		},
		quotas: []quota{{name: "ListStreams", perSecond: 5}, {name: "DescribeStreamSummary", perSecond: 20}},
		operations: []operation{
			{name: "ListStreams", run: listStreams, params: []param{{name: "Limit", min: 1, max: 10_000}}, resource: func(c *call) string { return c.arn("kinesis", "*") }},
			{name: "DescribeStreamSummary", quota: "DescribeStreamSummary", run: describeStreamSummary, resource: func(c *call) string { return c.str("StreamARN") }},
		},
	}
}

func streamSummary(s *Stream) obj {
	return obj{
		"StreamARN": s.ARN, "StreamName": s.Name, "StreamStatus": "ACTIVE",
		"StreamModeDetails": obj{"StreamMode": "PROVISIONED"},
	}
}

func listStreams(c *call) (obj, error) {
	items, next, err := page(c, paging{token: "NextToken", limit: "Limit", size: 100}, c.world().Streams)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(items))
	for i, s := range items {
		names[i] = s.Name
	}
	return compact(obj{"StreamNames": names, "StreamSummaries": mapOf(items, streamSummary), "HasMoreStreams": next != nil, "NextToken": next}), nil
}

func describeStreamSummary(c *call) (obj, error) {
	all := c.world().Streams
	i := slices.IndexFunc(all, func(s *Stream) bool { return s.ARN == c.str("StreamARN") || s.Name == c.str("StreamName") })
	if i < 0 {
		return nil, errorf(400, "ResourceNotFoundException", "Stream %s under account %s not found.", c.str("StreamARN")+c.str("StreamName"), c.account())
	}
	o := streamSummary(all[i])
	o["OpenShardCount"], o["RetentionPeriodHours"], o["ConsumerCount"], o["EncryptionType"] = all[i].Shards, 24, 0, "NONE"
	o["StreamCreationTimestamp"], o["EnhancedMonitoring"] = c.home().Start().AddDate(-1, 0, 0), []obj{{"ShardLevelMetrics": []string{}}}
	return obj{"StreamDescriptionSummary": o}, nil
}

// dynamodbService is DynamoDB's control plane: tables and their streams.
func dynamodbService() *service {
	return &service{
		name: "dynamodb", prefix: "dynamodb", protocol: awsJSON10, target: "DynamoDB_20120810",
		words: map[failure]wording{
			failValidation: {status: 400, code: "ValidationException"},
			failInternal:   {status: 500, code: "InternalServerError"},
		},
		quotas: []quota{{name: "requests", perSecond: 20}},
		operations: []operation{
			{name: "ListTables", run: listTables, params: []param{{name: "Limit", min: 1, max: 100}}, resource: func(c *call) string { return c.arn("dynamodb", "table/*") }},
			{name: "DescribeTable", run: describeTable, params: []param{{name: "TableName", required: true}}, resource: func(c *call) string { return c.arn("dynamodb", "table/"+c.str("TableName")) }},
		},
	}
}

// listTables goes on after the table that the request names: its token is no secret.
func listTables(c *call) (obj, error) {
	names := []string{}
	for _, t := range c.world().Tables {
		if t.Name > c.str("ExclusiveStartTableName") {
			names = append(names, t.Name)
		}
	}
	most := c.integer("Limit", 100)
	if len(names) <= most {
		return obj{"TableNames": names}, nil
	}
	last := names[most-1]
	if c.repeatToken {
		last = c.str("ExclusiveStartTableName")
	}
	return compact(obj{"TableNames": names[:most], "LastEvaluatedTableName": text(last)}), nil
}

func describeTable(c *call) (obj, error) {
	all := c.world().Tables
	i := slices.IndexFunc(all, func(t *Table) bool { return t.Name == c.str("TableName") })
	if i < 0 {
		return nil, errorf(400, "ResourceNotFoundException", "Requested resource not found: Table: %s not found", c.str("TableName"))
	}
	t := all[i]
	o := obj{
		"TableArn": t.ARN, "TableName": t.Name, "TableStatus": "ACTIVE", "CreationDateTime": c.home().Start().AddDate(-1, 0, 0),
		"BillingModeSummary": obj{"BillingMode": "PAY_PER_REQUEST"},
	}
	if t.StreamARN != "" {
		o["LatestStreamArn"], o["LatestStreamLabel"] = t.StreamARN, t.StreamARN[strings.LastIndex(t.StreamARN, "/")+1:]
		o["StreamSpecification"] = obj{"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}
	}
	return obj{"Table": o}, nil
}
