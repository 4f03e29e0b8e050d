package awssim

import (
	"fmt"
	"slices"
	"strconv"
)

// snsService is the Simple Notification Service: thirty listings a second
// (https://docs.aws.amazon.com/general/latest/gr/sns.html).
func snsService() *service {
	topic := param{name: "TopicArn", required: true}
	return &service{
		name: "sns", prefix: "SNS", protocol: query, target: "http://sns.amazonaws.com/doc/2010-03-31/", xml: queryNames(),
		words: map[failure]wording{
			failDenied:     {status: 403, code: "AuthorizationError"},
			failValidation: {status: 400, code: "InvalidParameter"},
			failBadToken:   {status: 400, code: "InvalidParameter"},
			failInternal:   {status: 500, code: "InternalError"},
		},
		quotas: []quota{
			{name: "attributes", perSecond: 100},
			{name: "ListTopics", perSecond: 30},
			{name: "ListSubscriptions", perSecond: 30},
			{name: "ListSubscriptionsByTopic", perSecond: 30},
		},
		operations: []operation{
			{name: "ListTopics", quota: "ListTopics", run: listTopics, resource: anyTopic},
			{name: "ListSubscriptions", quota: "ListSubscriptions", run: listSubscriptions, resource: anyTopic},
			{name: "ListSubscriptionsByTopic", quota: "ListSubscriptionsByTopic", run: listSubscriptions, resource: topicResource, params: []param{topic}},
			{name: "GetTopicAttributes", run: getTopicAttributes, resource: topicResource, params: []param{topic}},
			{
				name: "GetSubscriptionAttributes", run: getSubscriptionAttributes,
				resource: func(c *call) string { return c.str("SubscriptionArn") }, params: []param{{name: "SubscriptionArn", required: true}},
			},
		},
	}
}

func anyTopic(c *call) string      { return c.arn("sns", "*") }
func topicResource(c *call) string { return c.str("TopicArn") }

var snsPages = paging{token: "NextToken", size: 100}

// topic finds the topic a request names.
func (c *call) topic() (*Topic, error) {
	topics := c.world().Topics
	i := slices.IndexFunc(topics, func(t *Topic) bool { return t.ARN == c.str("TopicArn") })
	if i < 0 {
		return nil, errorf(404, "NotFound", "Topic does not exist")
	}
	return topics[i], nil
}

func listTopics(c *call) (obj, error) {
	items, next, err := page(c, snsPages, c.world().Topics)
	if err != nil {
		return nil, err
	}
	return compact(obj{"Topics": mapOf(items, func(t *Topic) obj { return obj{"TopicArn": t.ARN} }), "NextToken": next}), nil
}

func listSubscriptions(c *call) (obj, error) {
	all := c.world().Subscriptions
	if c.str("TopicArn") != "" {
		t, err := c.topic()
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(slices.Clone(all), func(s *Subscription) bool { return s.TopicARN != t.ARN })
	}
	items, next, err := page(c, snsPages, all)
	if err != nil {
		return nil, err
	}
	listed := mapOf(items, func(s *Subscription) obj {
		return obj{"SubscriptionArn": s.ARN, "TopicArn": s.TopicARN, "Protocol": s.Protocol, "Endpoint": s.Endpoint, "Owner": c.account()}
	})
	return compact(obj{"Subscriptions": listed, "NextToken": next}), nil
}

func getTopicAttributes(c *call) (obj, error) {
	t, err := c.topic()
	if err != nil {
		return nil, err
	}
	confirmed := 0
	for _, s := range c.world().Subscriptions {
		if s.TopicARN == t.ARN {
			confirmed++
		}
	}
	attributes := map[string]string{
		"TopicArn": t.ARN, "Owner": c.account(), "DisplayName": "", "SubscriptionsConfirmed": strconv.Itoa(confirmed),
		"SubscriptionsPending": "0", "SubscriptionsDeleted": "0", "Policy": t.Policy,
	}
	if t.Policy == "" { // a topic always has one: the owner's
		attributes["Policy"] = fmt.Sprintf(`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",`+
			`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:Subscribe","SNS:Publish"],"Resource":"%s",`+
			`"Condition":{"StringEquals":{"AWS:SourceOwner":"%s"}}}]}`, t.ARN, c.account())
	}
	return obj{"Attributes": attributes}, nil
}

func getSubscriptionAttributes(c *call) (obj, error) {
	all := c.world().Subscriptions
	i := slices.IndexFunc(all, func(s *Subscription) bool { return s.ARN == c.str("SubscriptionArn") })
	if i < 0 {
		return nil, errorf(404, "NotFound", "Subscription does not exist")
	}
	s := all[i]
	attributes := map[string]string{
		"SubscriptionArn": s.ARN, "TopicArn": s.TopicARN, "Protocol": s.Protocol, "Endpoint": s.Endpoint, "Owner": c.account(),
		"PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true", "RawMessageDelivery": strconv.FormatBool(s.RawDelivery),
		"SubscriptionPrincipal": c.identity.ARN,
	}
	if s.FilterPolicy != "" {
		attributes["FilterPolicy"], attributes["FilterPolicyScope"] = s.FilterPolicy, "MessageAttributes"
	}
	if s.RedriveTarget != "" {
		attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":"%s"}`, s.RedriveTarget)
	}
	return obj{"Attributes": attributes}, nil
}
