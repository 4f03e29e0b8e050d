package awssim

import (
	"fmt"
	"reflect"
	"strconv"
	"time"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func sprint(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	default:
		return fmt.Sprint(v.Interface())
	}
}

const (
	testAccount = "111122223333"
	lambdaARN   = "arn:aws:lambda:us-east-1:111122223333:function:"
)

// testConfiguration is a version with every setting there is.
func testConfiguration(name, version string) Configuration {
	return Configuration{
		Name: name, ARN: lambdaARN + name, Version: version, Description: "does <all> & more", Runtime: "python3.12", PackageType: "Zip",
		Architecture: "arm64", Handler: "app.handler", MemoryMB: 1024, TimeoutS: 30, EphemeralMB: 512, CodeBytes: 12345, CodeSHA256: "c2hh",
		RevisionID: "b3cdc8b9-425c-4999-bba7-ac4ae4725150", RoleARN: "arn:aws:iam::111122223333:role/service/worker", LastModified: noon,
		State: "Active", LastUpdateStatus: "Successful", VPC: &VPCConfig{VPCID: "vpc-1", SubnetIDs: []string{"subnet-1"}, SecurityGroupIDs: []string{"sg-1"}},
		Environment: map[string]string{"TABLE": "orders", "SECRET": Canary}, KMSKeyARN: "arn:aws:kms:us-east-1:111122223333:key/k",
		DLQARN: "arn:aws:sqs:us-east-1:111122223333:dead", TracingMode: "Active", Layers: []Layer{{ARN: "arn:aws:lambda:us-east-1:1:layer:l:3", CodeBytes: 7}},
		FileSystems: []FileSystem{{ARN: "arn:aws:elasticfilesystem:us-east-1:111122223333:access-point/fsap-1", MountPath: "/mnt/x"}},
		Logging:     Logging{Group: "/logs/worker", Format: "JSON", ApplicationLevel: "INFO", SystemLevel: "WARN"}, SnapStartApplyOn: "PublishedVersions", SnapStartStatus: "On",
	}
}

// testWorld has one of everything, and more functions than a page holds.
func testWorld() *World {
	tags := map[string]string{"owner": "payments", "cost-center": "42"}
	worker := &Function{
		Configuration: testConfiguration("worker", "$LATEST"), Tags: tags, PolicyRevisionID: "r1", ReservedConcurrency: new(0), RecursiveLoop: "Terminate",
		Policy:                 `{"Version":"2012-10-17","Statement":[{"Resource":"` + lambdaARN + `worker"}]}`,
		Versions:               []Configuration{testConfiguration("worker", "1"), testConfiguration("worker", "2")},
		Aliases:                []Alias{{Name: "live", ARN: lambdaARN + "worker:live", Version: "2", RevisionID: "r", Weights: map[string]float64{"1": 0.25}}},
		ProvisionedConcurrency: []ProvisionedConcurrency{{Qualifier: "live", ARN: lambdaARN + "worker:live", Requested: 5, Allocated: 5, Available: 4, Status: "READY", LastModified: noon}},
		InvokeConfigs: []InvokeConfig{{
			Qualifier: "$LATEST", ARN: lambdaARN + "worker:$LATEST", MaximumAgeS: new(3600), MaximumRetries: new(0),
			OnFailureARN: "arn:aws:sns:us-east-1:111122223333:alarms", LastModified: noon,
		}},
	}
	image := &Function{Configuration: Configuration{
		Name: "image", ARN: lambdaARN + "image", PackageType: "Image", ImageURI: "111122223333.dkr.ecr.us-east-1.amazonaws.com/app:latest", CodeSHA256: "ab12",
		Architecture: "x86_64", MemoryMB: 512, TimeoutS: 3, EphemeralMB: 512, TracingMode: "PassThrough", SnapStartApplyOn: "None", SnapStartStatus: "Off", LastModified: noon,
	}, RecursiveLoop: "Allow"}
	w := &World{Account: testAccount, Partition: "aws", Now: noon.Truncate(24 * time.Hour), Days: 30, UnreadableTags: []string{image.ARN}}
	w.Organization = company()
	w.Sources = []Source{{Account: "222222222222", Shares: []string{MetricLink}}}
	image.Tags = tags
	r := &Region{Name: "us-east-1", ConcurrencyLimit: 1000, CodeSizeLimit: 300 << 30, CodeSizeUsed: 99, Functions: []*Function{image}, world: w}
	for i := range 118 {
		r.Functions = append(r.Functions, &Function{Configuration: Configuration{
			Name: fmt.Sprintf("plain-%03d", i), ARN: fmt.Sprintf("%splain-%03d", lambdaARN, i), Runtime: "nodejs22.x", PackageType: "Zip", Architecture: "x86_64",
			Handler: "index.handler", MemoryMB: 128, TimeoutS: 3, EphemeralMB: 512, TracingMode: "PassThrough", SnapStartApplyOn: "None", SnapStartStatus: "Off", LastModified: noon,
		}, RecursiveLoop: "Terminate"})
	}
	r.Functions = append(r.Functions, worker)
	fillServices(r, tags)
	fillNetwork(r, tags)
	fillWiring(r, tags)
	fillOperations(r)
	w.CostGovernance = testGovernance()
	fillLambda(w, r)
	w.Regions = []*Region{r, {Name: "eu-west-1", ConcurrencyLimit: 1000, world: w, Buckets: []*Bucket{{Name: "archive", ARN: "arn:aws:s3:::archive", CreatedAt: noon}}}}
	w.Roles = []*Role{
		{
			Name: "worker", ARN: "arn:aws:iam::111122223333:role/service/worker", ID: "AROAEXAMPLE", Path: "/service/", CreatedAt: noon, Tags: tags,
			AssumeRolePolicy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
			Inline:           []InlinePolicy{{Name: "queue", Document: `{"Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`}},
			Attached:         []string{"arn:aws:iam::aws:policy/AdministratorAccess"}, PermissionBoundary: "arn:aws:iam::111122223333:policy/boundary",
			RoleUse: RoleUse{LastUsedAt: noon, LastUsedRegion: "us-east-1", MaxSessionS: 7200, Services: []ServiceUse{{Namespace: "sqs", Name: "Amazon SQS", LastAt: noon, Region: "us-east-1"}, {Namespace: "s3", Name: "Amazon S3"}}},
		},
		{Name: "other", ARN: "arn:aws:iam::111122223333:role/other", ID: "AROAOTHER", AssumeRolePolicy: "{}", CreatedAt: noon},
	}
	w.ManagedPolicies = []*ManagedPolicy{
		{Name: "AdministratorAccess", ARN: "arn:aws:iam::aws:policy/AdministratorAccess", ID: "ANPA1", Path: "/", VersionID: "v1", Document: `{"Statement":[]}`, CreatedAt: noon},
		{Name: "boundary", ARN: "arn:aws:iam::111122223333:policy/boundary", ID: "ANPA2", Path: "/", VersionID: "v3", Document: `{"Statement":[{"Effect":"Deny"}]}`, CreatedAt: noon, Older: []OldVersion{{ID: "v2", Document: `{"Statement":[]}`, CreatedAt: noon}}},
	}
	return w
}

func fillServices(r *Region, tags map[string]string) {
	r.Mappings = []*Mapping{
		{
			UUID: "332f71ae-ddb2-4bc2-a876-54d99204fdd7", ARN: "arn:aws:lambda:us-east-1:111122223333:event-source-mapping:332f71ae", FunctionARN: lambdaARN + "worker:live",
			SourceARN: "arn:aws:sqs:us-east-1:111122223333:jobs", State: "Enabled", StateTransitionReason: "USER_INITIATED", LastModified: noon, BatchSize: 10,
			MaximumConcurrency: new(4), PartialResponses: true, Filters: []string{`{"body":{"a":[1]}}`}, Tags: tags,
		},
		{
			UUID: "bb57fe00-6653-4ea8-a32e-13b4fc98a4f0", ARN: "arn:aws:lambda:us-east-1:111122223333:event-source-mapping:bb57fe00", FunctionARN: lambdaARN + "image",
			SourceARN: "arn:aws:kinesis:us-east-1:111122223333:stream/clicks", State: "Disabled", StateTransitionReason: "USER_INITIATED", LastModified: noon, BatchSize: 100,
			MaximumRetries: new(-1), MaximumRecordAgeS: new(-1), ParallelizationFactor: new(2), StartingPosition: "LATEST", Bisect: true,
			OnFailureARN: "arn:aws:sqs:us-east-1:111122223333:dead", LastProcessingResult: "OK",
		},
	}
	r.Queues = []*Queue{
		{Name: "dead", ARN: "arn:aws:sqs:us-east-1:111122223333:dead", URL: "https://sqs.us-east-1.amazonaws.com/111122223333/dead", VisibilityS: 30, RetentionS: 1209600, CreatedAt: noon},
		{
			Name: "jobs", ARN: "arn:aws:sqs:us-east-1:111122223333:jobs", URL: "https://sqs.us-east-1.amazonaws.com/111122223333/jobs", VisibilityS: 180, RetentionS: 345600,
			RedriveTarget: "arn:aws:sqs:us-east-1:111122223333:dead", MaxReceiveCount: 5, Policy: `{"Statement":[]}`, CreatedAt: noon, Tags: tags,
		},
	}
	r.Topics = []*Topic{{Name: "alarms", ARN: "arn:aws:sns:us-east-1:111122223333:alarms", Tags: tags}}
	for i := range 150 {
		r.Subscriptions = append(r.Subscriptions, &Subscription{
			ARN: fmt.Sprintf("arn:aws:sns:us-east-1:111122223333:alarms:%03d", i), TopicARN: r.Topics[0].ARN, Protocol: "lambda", Endpoint: lambdaARN + "worker",
			FilterPolicy: `{"a":["b"]}`, RedriveTarget: "arn:aws:sqs:us-east-1:111122223333:dead", RawDelivery: true,
		})
	}
	r.Buckets = []*Bucket{{
		Name: "uploads", ARN: "arn:aws:s3:::uploads", CreatedAt: noon, EventBridge: true, Tags: tags, Notifications: []Notification{
			{ID: "a", TargetARN: lambdaARN + "worker", Events: []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}, Prefix: "in/", Suffix: ".csv"},
			{ID: "b", TargetARN: lambdaARN + "image", Events: []string{"s3:ObjectCreated:Put"}},
			{ID: "c", TargetARN: "arn:aws:sqs:us-east-1:111122223333:jobs", Events: []string{"s3:ObjectCreated:*"}},
			{ID: "d", TargetARN: "arn:aws:sns:us-east-1:111122223333:alarms", Events: []string{"s3:ObjectCreated:*"}},
		},
	}}
	r.EventBuses = []*EventBus{{Name: "default", ARN: "arn:aws:events:us-east-1:111122223333:event-bus/default"}, {Name: "orders", ARN: "arn:aws:events:us-east-1:111122223333:event-bus/orders"}}
	r.Rules = []*Rule{
		{
			Name: "nightly", ARN: "arn:aws:events:us-east-1:111122223333:rule/nightly", Bus: "default", Schedule: "rate(1 day)", State: "ENABLED", Description: "at night", Tags: tags,
			Targets: []Target{{ID: "1", ARN: lambdaARN + "worker", RoleARN: "arn:aws:iam::111122223333:role/other", DLQARN: "arn:aws:sqs:us-east-1:111122223333:dead", Input: `{"x":1}`}},
		},
		{Name: "placed", ARN: "arn:aws:events:us-east-1:111122223333:rule/orders/placed", Bus: "orders", Pattern: `{"source":["shop"]}`, State: "DISABLED"},
	}
}

func fillNetwork(r *Region, tags map[string]string) {
	r.VPCs = []*VPC{{ID: "vpc-1", CIDR: "10.0.0.0/16", Tags: tags}, {ID: "vpc-2", CIDR: "10.1.0.0/16"}}
	r.Subnets = []*Subnet{
		{ID: "subnet-1", VPCID: "vpc-1", CIDR: "10.0.0.0/24", AvailabilityZone: "us-east-1a", AvailableIPs: 200, Tags: tags},
		{ID: "subnet-2", VPCID: "vpc-1", CIDR: "10.0.1.0/24", AvailabilityZone: "us-east-1b", AvailableIPs: 100, Public: true},
	}
	r.SecurityGroups = []*SecurityGroup{
		{
			ID: "sg-1", Name: "lambda", Description: "functions", VPCID: "vpc-1", Tags: tags,
			Egress: []Permission{{Protocol: "-1", FromPort: -1, ToPort: -1, CIDRs: []string{"0.0.0.0/0", "::/0"}}},
		},
		{
			ID: "sg-2", Name: "database", Description: "postgres", VPCID: "vpc-1",
			Ingress: []Permission{{
				Protocol: "tcp", FromPort: 5432, ToPort: 5432, Groups: []GroupRef{{GroupID: "sg-1"}, {GroupID: "sg-9", VPCID: "vpc-2", PeeringID: "pcx-1"}},
				CIDRs: []string{"10.0.0.0/16"}, PrefixLists: []string{"pl-1"}, Description: "apps",
			}},
		},
	}
	r.RouteTables = []*RouteTable{{
		ID: "rtb-1", VPCID: "vpc-1", Main: true, SubnetIDs: []string{"subnet-1"}, Tags: tags, Routes: []Route{
			{Destination: "10.0.0.0/16", Kind: RouteLocal, Target: "local", State: "active", Origin: "CreateRouteTable"},
			{Destination: "0.0.0.0/0", Kind: RouteNAT, Target: "nat-1", State: "active", Origin: "CreateRoute"},
			{Destination: "pl-63a5400a", Kind: RouteEndpoint, Target: "vpce-1", State: "active", Origin: "CreateRoute"},
			{Destination: "10.1.0.0/16", Kind: RoutePeering, Target: "pcx-1", State: "blackhole", Origin: "CreateRoute"},
		},
	}}
	r.NATGateways = []*NATGateway{{
		ID: "nat-1", VPCID: "vpc-1", SubnetID: "subnet-2", State: "available", Connectivity: "public", PublicIP: "203.0.113.5", PrivateIP: "10.0.1.9",
		AllocationID: "eipalloc-1", InterfaceID: "eni-9", CreatedAt: noon, Tags: tags,
	}}
	r.Endpoints = []*Endpoint{
		{ID: "vpce-1", VPCID: "vpc-1", ServiceName: "com.amazonaws.us-east-1.s3", Type: "Gateway", State: "available", RouteTableIDs: []string{"rtb-1"}, CreatedAt: noon, Tags: tags},
		{
			ID: "vpce-2", VPCID: "vpc-1", ServiceName: "com.amazonaws.us-east-1.sqs", Type: "Interface", State: "available", SubnetIDs: []string{"subnet-1"},
			SecurityGroupIDs: []string{"sg-1"}, InterfaceIDs: []string{"eni-2"}, CreatedAt: noon,
		},
	}
	r.Peerings = []*Peering{{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2", Status: "active", Tags: tags}}
	r.Interfaces = []*Interface{{
		ID: "eni-1", VPCID: "vpc-1", SubnetID: "subnet-1", AvailabilityZone: "us-east-1a", Type: "lambda", PrivateIP: "10.0.0.7", SecurityGroupIDs: []string{"sg-1"},
		Description: "AWS Lambda VPC ENI-worker-1", RequesterID: "AROAX:1", RequesterManaged: true, Status: "in-use",
	}}
}
