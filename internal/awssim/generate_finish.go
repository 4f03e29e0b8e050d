package awssim

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// finish adds what follows from the functions: limits, roles, policies, log
// groups and network interfaces; and sorts everything as AWS lists it.
func (b *builder) finish() {
	for _, s := range b.sites {
		s.region.ConcurrencyLimit = concurrencyLimit(s.region)
	}
	for _, q := range b.squeezes {
		q.exhaust()
	}
	b.managedPolicies()
	taken := map[string]bool{}
	for _, f := range b.builds {
		f.role(taken)
		f.seal()
	}
	for _, s := range b.sites {
		s.logGroups()
		s.functionInterfaces()
		s.order()
	}
	slices.SortFunc(b.w.Roles, func(a, c *Role) int { return cmp.Compare(a.Name, c.Name) })
	slices.SortFunc(b.w.ManagedPolicies, func(a, c *ManagedPolicy) int { return cmp.Compare(a.ARN, c.ARN) })
	slices.Sort(b.w.UnreadableTags)
	slices.SortFunc(b.w.Truth.Planted, func(a, c Planted) int {
		return cmp.Or(cmp.Compare(a.Analyzer, c.Analyzer), cmp.Compare(a.Resource, c.Resource))
	})
	slices.SortFunc(b.w.Truth.NearMisses, func(a, c NearMiss) int {
		return cmp.Or(cmp.Compare(a.Analyzer, c.Analyzer), cmp.Compare(a.Resource, c.Resource))
	})
}

// concurrencyLimit is AWS's default, or for larger accounts a raised one of which
// no more than half is reserved and the busiest hour fills two fifths.
func concurrencyLimit(r *Region) int {
	var busy [hoursPerWeek + 1]float64
	for _, f := range r.Functions {
		if f.load == nil {
			continue
		}
		for ago := 1; ago <= hoursPerWeek; ago++ {
			p, _ := f.load.phaseAt(ago)
			busy[ago] += f.load.rate(ago) * p.meanMS * f.load.burst / 3_600_000
		}
	}
	return max(1000, 500*int(math.Ceil((2.5*slices.Max(busy[:])+2*float64(heldConcurrency(r)))/500)))
}

// managedPolicies are those that roles of Lambda functions usually have.
func (b *builder) managedPolicies() {
	created := time.Date(2015, 4, 9, 15, 3, 43, 0, time.UTC)
	logs := []string{"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
	add := func(path, name string, actions ...string) {
		b.w.ManagedPolicies = append(b.w.ManagedPolicies, &ManagedPolicy{
			Name: name, ARN: awsManaged(strings.TrimPrefix(path, "/")+name, b.w.Partition), ID: "ANPA" + strings.ToUpper(hexID(0, 17, name)),
			Path: path, VersionID: "v1", CreatedAt: created,
			Document: document{Statement: []statement{{Effect: "Allow", Action: actions, Resource: "*"}}}.text(),
		})
	}
	add("/service-role/", "AWSLambdaBasicExecutionRole", logs...)
	add("/service-role/", "AWSLambdaVPCAccessExecutionRole", append(logs, "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces",
		"ec2:DescribeSubnets", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses")...)
	add("/service-role/", "AWSLambdaSQSQueueExecutionRole", append([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, logs...)...)
	add("/", "AWSXRayDaemonWriteAccess", "xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets")
	b.w.ManagedPolicies = append(b.w.ManagedPolicies, &ManagedPolicy{
		Name: "acme-parameters", ARN: "arn:" + b.w.Partition + ":iam::" + b.w.Account + ":policy/acme-parameters",
		ID: "ANPA" + strings.ToUpper(hexID(b.w.Seed, 17, "acme-parameters")), Path: "/", VersionID: "v7", CreatedAt: b.w.Now.AddDate(-2, 0, -3),
		Document: document{Statement: []statement{
			{SID: "Parameters", Effect: "Allow", Action: []string{"ssm:GetParameter", "ssm:GetParametersByPath"}, Resource: "arn:" + b.w.Partition + ":ssm:*:" + b.w.Account + ":parameter/acme/*"},
			{SID: "Keys", Effect: "Allow", Action: "kms:Decrypt", Resource: "*"},
		}}.text(),
	})
}

// role gives the function a role of its own, or its team's when it needs nothing.
func (b *build) role(taken map[string]bool) {
	w := b.site.w
	name := b.Name + "-" + b.site.region.Name + "-role"
	shared := !b.ownRole && b.VPC == nil && b.TracingMode != "Active"
	if shared {
		name = b.team.name + "-" + b.env + "-shared-role"
	}
	b.RoleARN = "arn:" + w.Partition + ":iam::" + w.Account + ":role/" + name
	if taken[name] {
		return
	}
	taken[name] = true
	r := &Role{
		Name: name, ARN: b.RoleARN, ID: "AROA" + strings.ToUpper(hexID(w.Seed, 17, name)), Path: "/", CreatedAt: w.Now.AddDate(-1, -2, -len(name)),
		Tags:     b.tags(),
		Attached: append([]string{awsManaged("service-role/AWSLambdaBasicExecutionRole", w.Partition)}, b.managed...),
	}
	r.AssumeRolePolicy = document{Statement: []statement{{
		Effect: "Allow", Principal: map[string]string{"Service": "lambda.amazonaws.com"}, Action: "sts:AssumeRole",
	}}}.trust()
	if b.TracingMode == "Active" && !shared {
		r.Attached = append(r.Attached, awsManaged("AWSXRayDaemonWriteAccess", w.Partition))
	}
	if hexID(w.Seed, 1, name, "parameters") < "6" {
		r.Attached = append(r.Attached, "arn:"+w.Partition+":iam::"+w.Account+":policy/acme-parameters")
	}
	if len(b.statements) > 0 {
		r.Inline = []InlinePolicy{{Name: "access", Document: document{Statement: b.statements}.text()}}
	}
	w.Roles = append(w.Roles, r)
}

// trust is the text of a trust policy, whose statements have no Resource.
func (d document) trust() string { return strings.ReplaceAll(d.text(), `,"Resource":null`, "") }

// loggedInFull is the rate beyond which functions log little more than their
// platform lines, for the sake of the bill.
const loggedInFull = 3000

// seal completes the resource policy and gives versions what was decided since.
func (b *build) seal() {
	if len(b.policy) > 0 {
		b.Policy = document{ID: "default", Statement: b.policy}.text()
		b.PolicyRevisionID = uuidOf(b.site.w.Seed, b.ARN, "policy")
	}
	if l := b.load; l != nil {
		l.jsonLogs = b.Logging.Format == "JSON"
		if l.perHour > loggedInFull {
			l.logBytesPerCall = math.Round(300 + l.logBytesPerCall/10)
		}
	}
	for i := range b.Versions {
		v := &b.Versions[i]
		v.RoleARN, v.VPC, v.Environment, v.Logging, v.DLQARN = b.RoleARN, b.VPC, b.Environment, b.Logging, b.DLQARN
		v.EphemeralMB, v.SnapStartApplyOn, v.SnapStartStatus = b.EphemeralMB, b.SnapStartApplyOn, b.SnapStartStatus
		v.FileSystems, v.MemoryMB, v.TimeoutS = b.FileSystems, b.MemoryMB, b.TimeoutS
	}
}

// logGroups makes the groups functions write to, and two whose functions are gone.
func (s *site) logGroups() {
	made := map[string]bool{}
	add := func(name string, tags map[string]string, stored int64) {
		if made[name] {
			return
		}
		made[name] = true
		r := newRand(streamKey(s.w.Seed, s.region.Name, name, "group"), 0)
		s.region.groups = append(s.region.groups, LogGroup{
			Name: name, ARN: s.arn("logs", "log-group:"+name), RetentionDays: pick(r, 0, 0, 0, 14, 30, 90), Class: "STANDARD",
			StoredBytes: stored, CreatedAt: s.w.Now.AddDate(0, 0, -around(r, 60, 900)).Add(time.Duration(r.IntN(86_400_000)) * time.Millisecond), Tags: tags,
		})
	}
	for _, b := range s.builds {
		if b.site == s && (b.load != nil || hexID(s.w.Seed, 1, b.ARN, "group") < "8") {
			add(b.LogGroup(), b.tags(), 0)
		}
	}
	add("/aws/lambda/"+teams()[0].name+"-old-importer", platform().tags(), 41_224_310)
	add("/aws/lambda/"+teams()[4].name+"-nightly-v1", platform().tags(), 8_220_134_551)
	slices.SortFunc(s.region.groups, func(a, b LogGroup) int { return cmp.Compare(a.Name, b.Name) })
}

// functionInterfaces makes one interface for each pair of subnet and security
// groups, which functions share.
func (s *site) functionInterfaces() {
	subnets, made := map[string]*Subnet{}, map[string]bool{}
	for _, n := range s.region.Subnets {
		subnets[n.ID] = n
	}
	for _, f := range s.region.Functions {
		if f.VPC == nil {
			continue
		}
		for _, id := range f.VPC.SubnetIDs {
			key := id + strings.Join(f.VPC.SecurityGroupIDs, " ")
			if made[key] {
				continue
			}
			made[key] = true
			e := s.interfaceIn(subnets[id], "lambda", "AWS Lambda VPC ENI-"+f.Name+"-"+uuidOf(s.w.Seed, key), "AROA"+strings.ToUpper(hexID(s.w.Seed, 17, f.RoleARN))+":"+f.Name)
			e.SecurityGroupIDs = slices.Clone(f.VPC.SecurityGroupIDs)
		}
	}
}

// order sorts what the region holds and adds up its code.
func (s *site) order() {
	r := s.region
	by(r.Functions, func(f *Function) string { return f.Name })
	by(r.Mappings, func(m *Mapping) string { return m.UUID })
	by(r.Queues, func(q *Queue) string { return q.Name })
	by(r.Topics, func(t *Topic) string { return t.ARN })
	by(r.Subscriptions, func(n *Subscription) string { return n.ARN })
	by(r.Buckets, func(k *Bucket) string { return k.Name })
	by(r.EventBuses, func(e *EventBus) string { return e.Name })
	by(r.Rules, func(rule *Rule) string { return rule.Bus + "/" + rule.Name })
	by(r.Tables, func(t *Table) string { return t.Name })
	by(r.Streams, func(k *Stream) string { return k.Name })
	by(r.VPCs, func(v *VPC) string { return v.ID })
	by(r.Subnets, func(n *Subnet) string { return n.ID })
	by(r.SecurityGroups, func(g *SecurityGroup) string { return g.ID })
	by(r.RouteTables, func(t *RouteTable) string { return t.ID })
	by(r.NATGateways, func(n *NATGateway) string { return n.ID })
	by(r.Endpoints, func(e *Endpoint) string { return e.ID })
	by(r.Peerings, func(p *Peering) string { return p.ID })
	by(r.Interfaces, func(e *Interface) string { return e.ID })
	for _, f := range r.Functions {
		r.CodeSizeUsed += f.CodeBytes
		for _, v := range f.Versions {
			r.CodeSizeUsed += v.CodeBytes
		}
	}
}

func by[T any](list []T, key func(T) string) {
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}
