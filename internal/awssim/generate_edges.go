package awssim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// wiring adds what invokes functions beside mappings, notifications and rules.
// It draws from streams of its own and comes last, so nothing else depends on
// it. Functions that the truth names stay as they are, and those that write
// somewhere have schedules alone: no loop closes here. No metric would tell of
// these invocations, which come once a day.
func (b *builder) wiring() {
	named := map[string]bool{}
	for _, p := range b.w.Truth.Planted {
		named[p.Resource] = true
	}
	for _, n := range b.w.Truth.NearMisses {
		named[n.Resource] = true
	}
	for _, f := range b.builds {
		if named[f.ARN] {
			continue
		}
		r := newRand(streamKey(b.w.Seed, "wiring", f.ARN), 0)
		f.serves(r)
		if f.load != nil {
			f.isWired(r)
		}
	}
	for _, s := range b.sites {
		s.brokers()
		s.archives()
		s.orderWiring()
		s.authorizers()
	}
}

// wiringRole is a role of another service, which has no part in Lambda.
func (s *site) wiringRole(service string) string {
	return "arn:" + s.w.Partition + ":iam::" + s.w.Account + ":role/service-role/" + service
}

func (b *build) since(r *rand.Rand) time.Time {
	return b.site.w.Now.AddDate(0, 0, -around(r, 40, 600)).Add(time.Duration(r.IntN(86_400)) * time.Second)
}

// isWired gives some functions a schedule, a state machine or a pipe.
func (b *build) isWired(r *rand.Rand) {
	silent := len(b.statements) == 0 && b.DLQARN == "" && len(b.InvokeConfigs) == 0
	switch kind := r.Float64(); {
	case kind < 0.15:
		b.onSchedule(r)
	case kind < 0.5 && silent:
		b.orchestrated(r)
	case kind < 0.8 && silent:
		b.piped(r)
	}
}

func (b *build) onSchedule(r *rand.Rand) {
	group := pick(r, "default", "default", b.team.name)
	s := &Schedule{
		Name: b.Name + "-daily", Group: group, ARN: b.site.arn("scheduler", "schedule/"+group+"/"+b.Name+"-daily"),
		State: pick(r, "ENABLED", "ENABLED", "ENABLED", "DISABLED"), Expression: fmt.Sprintf("cron(%d %d * * ? *)", r.IntN(60), r.IntN(24)),
		Timezone: pick(r, "UTC", "Europe/Berlin", "America/New_York"), FlexibleMinutes: pick(r, 0, 0, 15),
		TargetARN: b.ARN, Input: `{"task":"daily","token":"` + Canary + `"}`, RoleARN: b.site.wiringRole("scheduler"), CreatedAt: b.since(r),
	}
	if r.Float64() < 0.3 { // the API action instead of the template of Lambda's
		s.TargetARN = "arn:" + b.site.w.Partition + ":scheduler:::aws-sdk:lambda:invoke"
		s.Input = fmt.Sprintf(`{"FunctionName":%q,"InvocationType":"Event","Payload":"{\"token\":\"%s\"}"}`, b.ARN, Canary)
	}
	if r.Float64() < 0.5 {
		retries, age := around(r, 0, 5), 3600
		s.MaximumRetries, s.MaximumAgeS = &retries, &age
	}
	b.site.region.Schedules = append(b.site.region.Schedules, s)
}

// orchestrated puts the function into a state machine: alone, with a retry and a
// catcher, or once for each item of a list.
func (b *build) orchestrated(r *rand.Rand) {
	invoke := obj{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": obj{"FunctionName": b.ARN, "Payload": obj{"token": Canary}}, "End": true}
	if r.Float64() < 0.4 {
		invoke = obj{"Type": "Task", "Resource": b.ARN, "End": true}
	}
	if r.Float64() < 0.6 {
		invoke["Retry"] = []obj{{"ErrorEquals": []string{"States.TaskFailed"}, "IntervalSeconds": 2, "MaxAttempts": around(r, 2, 6), "BackoffRate": 2}}
	}
	if r.Float64() < 0.4 {
		invoke["Catch"] = []obj{{"ErrorEquals": []string{"States.ALL"}, "Next": "Failed"}}
	}
	states := obj{"Work": invoke, "Failed": obj{"Type": "Fail"}}
	start := "Work"
	if r.Float64() < 0.3 {
		start = "Each"
		states = obj{"Each": obj{"Type": "Map", "End": true, "ItemProcessor": obj{"StartAt": "Work", "States": states}}}
	}
	definition, err := json.Marshal(obj{"Comment": b.Name, "StartAt": start, "States": states})
	if err != nil {
		panic(fmt.Sprintf("a definition of strings does not encode: %v", err)) // cannot happen
	}
	b.site.region.StateMachines = append(b.site.region.StateMachines, &StateMachine{
		Name: b.Name + "-flow", ARN: b.site.arn("states", "stateMachine:"+b.Name+"-flow"), Type: pick(r, "STANDARD", "STANDARD", "EXPRESS"),
		Definition: string(definition), RoleARN: b.site.wiringRole("states"), LoggingLevel: pick(r, "OFF", "OFF", "ERROR", "ALL"),
		Tracing: r.Float64() < 0.3, CreatedAt: b.since(r),
	})
}

// piped lets a pipe bring the function what a stream holds.
func (b *build) piped(r *rand.Rand) {
	var sources []string
	for _, k := range b.site.region.Streams {
		sources = append(sources, k.ARN)
	}
	for _, t := range b.site.region.Tables {
		if t.StreamARN != "" {
			sources = append(sources, t.StreamARN)
		}
	}
	if len(sources) == 0 {
		return
	}
	p := &Pipe{
		Name: b.Name + "-pipe", ARN: b.site.arn("pipes", "pipe/"+b.Name+"-pipe"), State: pick(r, "RUNNING", "RUNNING", "STOPPED"),
		SourceARN: sources[r.IntN(len(sources))], TargetARN: b.ARN, RoleARN: b.site.wiringRole("pipes"), BatchSize: pick(r, 1, 10, 100),
		Filters: []string{`{"data":{"kind":["daily-digest"]}}`}, CreatedAt: b.since(r),
	}
	if machines := b.site.region.StateMachines; len(machines) > 0 && r.Float64() < 0.5 {
		p.EnrichmentARN, p.TargetARN = b.ARN, machines[r.IntN(len(machines))].ARN
	}
	b.site.region.Pipes = append(b.site.region.Pipes, p)
}

// serves makes the APIs that the function's resource policy admits, and puts some
// of those functions behind a load balancer, too.
func (b *build) serves(r *rand.Rand) {
	for _, st := range b.policy {
		condition, ok := st.Condition.(map[string]any)
		if !ok {
			continue
		}
		like, ok := condition["ArnLike"].(map[string]string)
		if !ok {
			continue
		}
		parts := strings.SplitN(like["AWS:SourceArn"], ":", 6)
		if len(parts) != 6 || parts[2] != "execute-api" {
			continue
		}
		path := strings.Split(parts[5], "/") // id, any stage, method, path
		if len(path) != 4 {
			continue
		}
		b.api(r, path[0], path[2], "/"+path[3])
		if r.Float64() < 0.15 {
			b.balanced(r)
		}
		return
	}
}

func (b *build) api(r *rand.Rand, id, method, path string) {
	a := &API{
		ID: id, Name: b.Name, Protocol: pick(r, "REST", "REST", "HTTP"), EndpointType: pick(r, "REGIONAL", "REGIONAL", "EDGE", "PRIVATE"),
		Stages: []APIStage{{Name: b.env, LoggingLevel: pick(r, "OFF", "ERROR", "INFO")}}, CreatedAt: b.since(r),
		Routes: []APIRoute{{Method: method, Path: path, FunctionARN: b.ARN, TimeoutMS: 29_000, Authorization: pick(r, "NONE", "AWS_IAM")}},
	}
	if r.Float64() < 0.4 {
		a.Stages[0].ThrottleRate, a.Stages[0].ThrottleBurst = float64(around(r, 1, 20)*50), around(r, 2, 20)*100
	}
	if a.Protocol == "HTTP" {
		a.EndpointType, a.Routes[0].TimeoutMS, a.Stages[0].LoggingLevel = "", 30_000, ""
		b.site.region.HTTPAPIs = append(b.site.region.HTTPAPIs, a)
		return
	}
	a.Stages[0].Tracing = r.Float64() < 0.3
	if r.Float64() < 0.15 {
		a.Stages[0].CacheGB = pick(r, "0.5", "1.6")
	}
	a.Routes = append(a.Routes, APIRoute{Method: "OPTIONS", Path: path, TimeoutMS: 29_000, Authorization: "NONE"})
	b.site.region.RESTAPIs = append(b.site.region.RESTAPIs, a)
}

func (b *build) balanced(r *rand.Rand) {
	name := b.Name
	if len(name) > 28 {
		name = name[:28]
	}
	name += "-tg"
	g := &TargetGroup{
		Name: name, ARN: b.site.arn("elasticloadbalancing", "targetgroup/"+name+"/"+hexID(b.site.w.Seed, 16, b.ARN, "group")), FunctionARN: b.ARN,
		LoadBalancerARN: b.site.arn("elasticloadbalancing", "loadbalancer/app/"+b.team.name+"/"+hexID(b.site.w.Seed, 16, b.site.region.Name, b.team.name, "balancer")),
		HealthChecks:    r.Float64() < 0.3,
	}
	b.invokedBy("elasticloadbalancing.amazonaws.com", g.ARN)
	b.Policy = document{ID: "default", Statement: b.policy}.text()
	b.site.region.TargetGroups = append(b.site.region.TargetGroups, g)
}

// brokers makes a Kafka cluster and a message broker in the region's first VPC.
func (s *site) brokers() {
	reg := s.region
	if len(reg.VPCs) == 0 {
		return
	}
	var subnets, groups []string
	for _, n := range reg.Subnets {
		if n.VPCID == reg.VPCs[0].ID && !n.Public {
			subnets = append(subnets, n.ID)
		}
	}
	for _, g := range reg.SecurityGroups {
		if g.VPCID == reg.VPCs[0].ID && len(groups) == 0 {
			groups = append(groups, g.ID)
		}
	}
	r := newRand(streamKey(s.w.Seed, "wiring", reg.Name, "brokers"), 0)
	created := s.w.Now.AddDate(0, 0, -around(r, 60, 400))
	unique := uuidOf(s.w.Seed, reg.Name, "cluster")
	cluster := &Cluster{Name: "events", ARN: s.arn("kafka", "cluster/events/"+unique+"-7"), State: "ACTIVE", SubnetIDs: subnets, GroupIDs: groups, CreatedAt: created}
	for i := range max(1, len(subnets)) {
		cluster.Hosts = append(cluster.Hosts, fmt.Sprintf("b-%d.events.%s.c7.kafka.%s.amazonaws.com", i+1, unique[:6], reg.Name))
	}
	reg.Clusters = append(reg.Clusters, cluster)
	id := "b-" + uuidOf(s.w.Seed, reg.Name, "broker")
	reg.Brokers = append(reg.Brokers, &Broker{
		ID: id, Name: "jobs", ARN: s.arn("mq", "broker:jobs:"+id), Engine: "RABBITMQ", State: "RUNNING",
		Endpoint: "amqps://" + id + ".mq." + reg.Name + ".on.aws:5671", Public: r.Float64() < 0.3,
		SubnetIDs: subnets[:min(1, len(subnets))], GroupIDs: groups, CreatedAt: created,
	})
}

// archives keeps the events of the default bus, to which another account may put.
func (s *site) archives() {
	bus := s.arn("events", "event-bus/"+defaultBus)
	r := newRand(streamKey(s.w.Seed, "wiring", s.region.Name, "archives"), 0)
	days := pick(r, 0, 30, 90)
	events := int64(around(r, 10_000, 4_000_000))
	s.region.Archives = append(s.region.Archives, &Archive{
		Name: "everything", BusARN: bus, State: "ENABLED", RetentionDays: days, Events: events, Bytes: events * int64(around(r, 600, 2400)),
		CreatedAt: s.w.Now.AddDate(0, 0, -around(r, 100, 900)),
	})
	s.region.BusPolicies = map[string]string{defaultBus: document{Statement: []statement{{
		SID: "partner", Effect: "Allow", Principal: map[string]string{"AWS": "arn:" + s.w.Partition + ":iam::210987654321:root"}, Action: "events:PutEvents", Resource: bus,
	}}}.text()}
}

// orderWiring sorts everything as the services list it.
func (s *site) orderWiring() {
	r := s.region
	by(r.Schedules, func(x *Schedule) string { return x.Group + "/" + x.Name })
	by(r.Pipes, func(x *Pipe) string { return x.Name })
	by(r.StateMachines, func(x *StateMachine) string { return x.ARN })
	by(r.RESTAPIs, func(x *API) string { return x.ID })
	by(r.HTTPAPIs, func(x *API) string { return x.ID })
	by(r.TargetGroups, func(x *TargetGroup) string { return x.ARN })
}

// authorizers lets one function of the region authorize some APIs: an
// invocation that is part of its own traffic.
func (s *site) authorizers() {
	byARN := map[string]*build{}
	for _, f := range s.builds {
		if f.site == s && f.load != nil && strings.Contains(f.Name, "-authorize-") && len(f.statements) == 0 {
			byARN[f.ARN] = f
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(byARN)) {
		for _, a := range slices.Concat(s.region.RESTAPIs, s.region.HTTPAPIs) {
			if a.Routes[0].FunctionARN != arn && a.Authorizer == "" && strings.HasPrefix(a.Name, byARN[arn].team.name+"-") {
				a.Authorizer, a.Routes[0].Authorization = arn, "CUSTOM"
			}
		}
	}
}
