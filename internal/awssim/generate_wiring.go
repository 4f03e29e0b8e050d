package awssim

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// statement is one of a policy document.
type statement struct {
	SID       string `json:"Sid,omitempty"`
	Effect    string
	Principal any `json:",omitempty"`
	Action    any
	Resource  any
	Condition any `json:",omitempty"`
}

type document struct {
	Version   string
	ID        string `json:"Id,omitempty"`
	Statement []statement
}

func (d document) text() string {
	d.Version = "2012-10-17"
	out, err := json.Marshal(d)
	if err != nil {
		panic(fmt.Sprintf("a policy of strings does not encode: %v", err)) // cannot happen
	}
	return string(out)
}

// one is a list, or its only element as policies often have it.
func one(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// allow lets the function's role do something.
func (b *build) allow(resource string, actions ...string) {
	b.ownRole = true
	b.statements = append(b.statements, statement{Effect: "Allow", Action: one(actions), Resource: resource})
}

// invokedBy lets a service invoke the function for one of its resources.
func (b *build) invokedBy(service, sourceARN string) {
	b.policy = append(b.policy, statement{
		SID: fmt.Sprintf("%s-%d", strings.TrimSuffix(service, ".amazonaws.com"), len(b.policy)+1), Effect: "Allow",
		Principal: map[string]string{"Service": service}, Action: "lambda:InvokeFunction", Resource: b.ARN,
		Condition: map[string]any{"ArnLike": map[string]string{"AWS:SourceArn": sourceARN}},
	})
}

// queue makes a queue with a dead-letter queue of its own.
func (s *site) queue(id identity, name string) *Queue {
	dead := s.plainQueue(id, name+"-dlq")
	dead.RetentionS = 1_209_600
	q := s.plainQueue(id, name)
	q.RedriveTarget, q.MaxReceiveCount = dead.ARN, 5
	return q
}

func (s *site) plainQueue(id identity, name string) *Queue {
	q := &Queue{
		Name: name, ARN: s.arn("sqs", name), URL: fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", s.region.Name, s.w.Account, name),
		VisibilityS: 180, RetentionS: 345_600, CreatedAt: s.w.Now.AddDate(-1, 0, -len(name)), Tags: id.tags(),
	}
	s.region.Queues = append(s.region.Queues, q)
	return q
}

func (s *site) topic(id identity, name string) *Topic {
	t := &Topic{Name: name, ARN: s.arn("sns", name), Tags: id.tags()}
	t.Policy = document{ID: "owner", Statement: []statement{{
		SID: "owner", Effect: "Allow", Principal: map[string]string{"AWS": "*"}, Action: []string{"SNS:Publish", "SNS:Subscribe"}, Resource: t.ARN,
		Condition: map[string]any{"StringEquals": map[string]string{"AWS:SourceOwner": s.w.Account}},
	}}}.text()
	s.region.Topics = append(s.region.Topics, t)
	return t
}

func (s *site) bucket(id identity, name string) *Bucket {
	unique := fmt.Sprintf("acme-%s-%s", name, hexID(s.w.Seed, 6, s.region.Name, name))
	k := &Bucket{Name: unique, ARN: "arn:" + s.w.Partition + ":s3:::" + unique, CreatedAt: s.w.Now.AddDate(-2, 0, -len(name)), Tags: id.tags()}
	s.region.Buckets = append(s.region.Buckets, k)
	return k
}

func (s *site) bus(id identity, name string) *EventBus {
	e := &EventBus{Name: name, ARN: s.arn("events", "event-bus/"+name), Tags: id.tags()}
	s.region.EventBuses = append(s.region.EventBuses, e)
	return e
}

func (s *site) table(id identity, name string, streaming bool) *Table {
	t := &Table{Name: name, ARN: s.arn("dynamodb", "table/"+name), Tags: id.tags()}
	if streaming {
		t.StreamARN = t.ARN + "/stream/2025-02-11T08:15:42.117"
	}
	s.region.Tables = append(s.region.Tables, t)
	return t
}

func (s *site) stream(id identity, name string) *Stream {
	k := &Stream{Name: name, ARN: s.arn("kinesis", "stream/"+name), Shards: 2, Tags: id.tags()}
	s.region.Streams = append(s.region.Streams, k)
	return k
}

// mapping polls a source for the function.
func (b *build) mapping(source string, batch int) *Mapping {
	id := uuidOf(b.site.w.Seed, b.ARN, source)
	m := &Mapping{
		UUID: id, ARN: b.site.arn("lambda", "event-source-mapping:"+id), FunctionARN: b.ARN, SourceARN: source,
		State: "Enabled", StateTransitionReason: "USER_INITIATED", LastModified: b.LastModified.Add(-time.Hour).Truncate(time.Second),
		BatchSize: batch, Tags: b.tags(),
	}
	b.site.region.Mappings = append(b.site.region.Mappings, m)
	return m
}

// onQueue polls a queue; an invocation takes so many messages.
func (b *build) onQueue(q *Queue, batch int, fill float64) *Mapping {
	b.allow(q.ARN, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
	q.VisibilityS = max(30, 6*b.TimeoutS)
	q.consumer, q.flows = b.Function, []flow{{b.Function, fill}}
	return b.mapping(q.ARN, batch)
}

func (b *build) onStream(source string, actions string, partner bool) *Mapping {
	b.allow(source, actions+":GetRecords", actions+":GetShardIterator", actions+":DescribeStream", actions+":ListStreams")
	m := b.mapping(source, 100)
	retries, age, factor := 5, 3600, 1
	m.MaximumRetries, m.MaximumRecordAgeS, m.ParallelizationFactor = &retries, &age, &factor
	m.StartingPosition, m.Bisect = "TRIM_HORIZON", partner
	b.loaded().stream = true
	return m
}

func (b *build) onTopic(t *Topic, flows ...flow) {
	b.site.region.Subscriptions = append(b.site.region.Subscriptions, &Subscription{
		ARN: t.ARN + ":" + uuidOf(b.site.w.Seed, b.ARN, t.ARN), TopicARN: t.ARN, Protocol: "lambda", Endpoint: b.ARN,
	})
	b.invokedBy("sns.amazonaws.com", t.ARN)
	b.loaded().async = true
	t.flows = flows
	if len(flows) == 0 {
		t.flows = []flow{{b.Function, 1}}
	}
}

func (b *build) onBucket(k *Bucket, prefix, suffix string) {
	k.Notifications = append(k.Notifications, Notification{
		ID: uuidOf(b.site.w.Seed, b.ARN, k.ARN), TargetARN: b.ARN, Events: []string{"s3:ObjectCreated:*"}, Prefix: prefix, Suffix: suffix,
	})
	b.invokedBy("s3.amazonaws.com", k.ARN)
	b.allow(k.ARN+"/"+prefix+"*", "s3:GetObject")
	b.loaded().async = true
}

// rule sends what a bus matches, or a schedule, to the function.
func (b *build) rule(bus, pattern, schedule string) *Rule {
	name := b.Name + "-rule"
	path := "rule/" + name
	if bus != "default" {
		path = "rule/" + bus + "/" + name
	}
	rule := &Rule{
		Name: name, ARN: b.site.arn("events", path), Bus: bus, Pattern: pattern, Schedule: schedule, State: "ENABLED",
		Targets: []Target{{ID: "function", ARN: b.ARN}}, Tags: b.tags(), flows: []flow{{b.Function, 1}},
	}
	b.site.region.Rules = append(b.site.region.Rules, rule)
	b.invokedBy("events.amazonaws.com", rule.ARN)
	b.loaded().async = true
	return rule
}

func (b *build) onAPI() {
	api := hexID(b.site.w.Seed, 10, b.ARN, "api")
	b.invokedBy("apigateway.amazonaws.com", b.site.arn("execute-api", api+"/*/POST/"+b.team.name))
}

// sends lets the function write to a queue that its environment names.
func (b *build) sends(q *Queue, variable string) {
	b.allow(q.ARN, "sqs:SendMessage")
	b.Environment[variable] = q.URL
}

func (b *build) publishes(t *Topic) {
	b.allow(t.ARN, "sns:Publish")
	b.Environment["TOPIC_ARN"] = t.ARN
}

func (b *build) puts(k *Bucket, keys string) {
	b.allow(k.ARN+"/"+keys, "s3:PutObject")
	b.Environment["OUTPUT_BUCKET_ARN"] = k.ARN
}

func (b *build) emits(e *EventBus) {
	b.allow(e.ARN, "events:PutEvents")
	b.Environment["EVENT_BUS_ARN"] = e.ARN
}

func (b *build) stores(t *Table) {
	b.allow(t.ARN, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:GetItem", "dynamodb:Query")
	b.Environment["TABLE_NAME"], b.Environment["TABLE_ARN"] = t.Name, t.ARN
}

// deadLetters keeps what asynchronous invocation gave up on.
func (b *build) deadLetters() *Queue {
	q := b.site.plainQueue(b.identity, b.Name+"-dead")
	q.RetentionS = 1_209_600
	b.allow(q.ARN, "sqs:SendMessage")
	b.DLQARN = q.ARN
	return q
}

// invokeConfig says what happens to asynchronous invocations in the end.
func (b *build) invokeConfig(onFailure string) {
	age, retries := 3600, 1
	b.InvokeConfigs = append(b.InvokeConfigs, InvokeConfig{
		Qualifier: "$LATEST", ARN: b.ARN + ":$LATEST", MaximumAgeS: &age, MaximumRetries: &retries,
		OnFailureARN: onFailure, LastModified: b.LastModified,
	})
}
