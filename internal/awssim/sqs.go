package awssim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// sqsService is the Simple Queue Service, which still names the codes of the
// Query protocol it spoke before. It publishes no quota for reading attributes.
func sqsService() *service {
	return &service{
		name: "sqs", prefix: "sqs", protocol: awsJSON10, target: "AmazonSQS",
		words: map[failure]wording{
			failDenied:     {status: 403, code: "AccessDeniedException", queryCode: "AccessDenied"},
			failThrottled:  {status: 403, code: "RequestThrottled", queryCode: "RequestThrottled"},
			failValidation: {status: 400, code: "InvalidAttributeValue", queryCode: "InvalidAttributeValue"},
			failBadToken:   {status: 400, code: "InvalidAttributeValue", queryCode: "InvalidAttributeValue"},
			failInternal:   {status: 500, code: "InternalError", queryCode: "InternalError"},
		},
		messages: map[failure]string{failThrottled: "Request is throttled."},
		quotas:   []quota{{name: "requests", perSecond: 100}},
		operations: []operation{
			{
				name: "ListQueues", run: listQueues, resource: func(c *call) string { return c.arn("sqs", "") },
				params: []param{{name: "MaxResults", min: 1, max: 1000}},
			},
			{name: "GetQueueAttributes", run: getQueueAttributes, resource: queueResource, params: []param{{name: "QueueUrl", required: true}}},
		},
	}
}

func queueResource(c *call) string {
	u := c.str("QueueUrl")
	return c.arn("sqs", u[strings.LastIndex(u, "/")+1:])
}

func listQueues(c *call) (obj, error) {
	var urls []string
	for _, q := range c.world().Queues {
		if strings.HasPrefix(q.Name, c.str("QueueNamePrefix")) {
			urls = append(urls, q.URL)
		}
	}
	if c.params["MaxResults"] == nil {
		return compact(obj{"QueueUrls": notEmpty(urls[:min(len(urls), 1000)])}), nil // no token is ever given without MaxResults
	}
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxResults", size: 1000}, urls)
	if err != nil {
		return nil, err
	}
	return compact(obj{"QueueUrls": notEmpty(items), "NextToken": next}), nil
}

func getQueueAttributes(c *call) (obj, error) {
	u, err := url.Parse(c.str("QueueUrl"))
	if err != nil {
		return nil, errorf(404, "InvalidAddress", "The address %s is not valid for this endpoint.", c.str("QueueUrl"))
	}
	name := u.Path[strings.LastIndex(u.Path, "/")+1:]
	i := slices.IndexFunc(c.world().Queues, func(q *Queue) bool { return q.Name == name })
	if i < 0 {
		e := errorf(400, "QueueDoesNotExist", "The specified queue does not exist.")
		e.queryCode = "AWS.SimpleQueueService.NonExistentQueue"
		return nil, e
	}
	all := queueAttributes(c.world().Queues[i])
	wanted := c.strings("AttributeNames")
	attributes := map[string]string{}
	for _, name := range wanted {
		if name == "All" {
			return obj{"Attributes": all}, nil
		}
		if value, ok := all[name]; ok {
			attributes[name] = value
		} else if !slices.Contains(optionalQueueAttributes(), name) {
			e := errorf(400, "InvalidAttributeName", "Unknown Attribute %s.", name)
			e.queryCode = "InvalidAttributeName"
			return nil, e
		}
	}
	if len(attributes) == 0 {
		return obj{}, nil
	}
	return obj{"Attributes": attributes}, nil
}

// optionalQueueAttributes are those a queue may lack.
func optionalQueueAttributes() []string {
	return []string{
		"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "FifoQueue",
		"ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit",
	}
}

func queueAttributes(q *Queue) map[string]string {
	created := strconv.FormatInt(q.CreatedAt.Unix(), 10)
	a := map[string]string{
		"QueueArn": q.ARN, "VisibilityTimeout": strconv.Itoa(q.VisibilityS), "MessageRetentionPeriod": strconv.Itoa(q.RetentionS),
		"CreatedTimestamp": created, "LastModifiedTimestamp": created, "MaximumMessageSize": "262144", "DelaySeconds": "0",
		"ReceiveMessageWaitTimeSeconds": "0", "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0",
		"ApproximateNumberOfMessagesDelayed": "0", "SqsManagedSseEnabled": "true",
	}
	if q.RedriveTarget != "" {
		a["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":"%s","maxReceiveCount":%d}`, q.RedriveTarget, q.MaxReceiveCount)
	}
	if q.FIFO {
		a["FifoQueue"], a["ContentBasedDeduplication"] = "true", "false"
		a["DeduplicationScope"], a["FifoThroughputLimit"] = "queue", "perQueue"
	}
	if q.Policy != "" {
		a["Policy"] = q.Policy
	}
	return a
}
