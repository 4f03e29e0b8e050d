package awssim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// partnerAccount is another company's, which some roles let in.
const partnerAccount = "777788889999"

// PartnerExternalID is what some roles' trust policies ask of the partner. It is
// half of a secret: whatever stores or shows it has leaked it.
const PartnerExternalID = "partner-canary-58d0c1-must-never-be-stored"

// useRoles tells when roles and the services that they allow were last used, bounds some,
// lets others than Lambda assume a few, and gives customers' policies a past. None
// of it changes what functions may do.
func (b *builder) useRoles() {
	boundary := "arn:" + b.w.Partition + ":iam::" + b.w.Account + ":policy/acme-boundary"
	bounded := false
	lives := b.lives()
	for _, r := range b.w.Roles {
		random := newRand(streamKey(b.w.Seed, r.Name, "iam"), 0)
		if last := lives[r.ARN]; last.region != "" {
			r.LastUsedRegion = last.region
			if last.invoked {
				r.LastUsedAt = b.w.Now.Add(-time.Duration(random.IntN(4*3_600_000)) * time.Millisecond).Truncate(time.Second)
			} else {
				r.LastUsedRegion = ""
			}
		}
		if random.Float64() < 0.06 {
			r.PermissionBoundary, bounded = boundary, true
		}
		switch chance := random.Float64(); {
		case chance < 0.03:
			r.trustAlso(statement{SID: "Operators", Effect: "Allow", Principal: map[string]string{"AWS": "arn:" + b.w.Partition + ":iam::" + b.w.Account + ":role/operators"}, Action: "sts:AssumeRole"})
		case chance < 0.05:
			r.trustAlso(statement{SID: "Partner", Effect: "Allow", Principal: map[string]string{"AWS": "arn:" + b.w.Partition + ":iam::" + partnerAccount + ":root"}, Action: "sts:AssumeRole"})
		case chance < 0.07:
			r.trustAlso(statement{
				SID: "Partner", Effect: "Allow", Principal: map[string]string{"AWS": partnerAccount}, Action: "sts:AssumeRole",
				Condition: map[string]any{"StringEquals": map[string]string{"sts:ExternalId": PartnerExternalID}},
			})
		}
		b.servicesOf(r, random.Float64)
	}
	for _, p := range b.w.ManagedPolicies {
		if strings.HasSuffix(p.ARN, "/acme-parameters") {
			p.Older = []OldVersion{{ID: "v6", CreatedAt: b.w.Now.AddDate(-2, -1, 0), Document: document{Statement: []statement{{Effect: "Allow", Action: "*", Resource: "*"}}}.text()}}
		}
	}
	if bounded {
		b.w.ManagedPolicies = append(b.w.ManagedPolicies, &ManagedPolicy{
			Name: "acme-boundary", ARN: boundary, ID: "ANPA" + strings.ToUpper(hexID(b.w.Seed, 17, "acme-boundary")), Path: "/", VersionID: "v2", CreatedAt: b.w.Now.AddDate(-3, 0, 0),
			Document: document{Statement: []statement{
				{SID: "Work", Effect: "Allow", Action: "*", Resource: "*"},
				{SID: "NoPrincipals", Effect: "Deny", Action: []string{"iam:*", "organizations:*", "account:*"}, Resource: "*"},
			}}.text(),
		})
		by(b.w.ManagedPolicies, func(p *ManagedPolicy) string { return p.ARN })
	}
}

// life is where a role's functions run, and whether something invokes them.
type life struct {
	region  string
	invoked bool
}

func (b *builder) lives() map[string]life {
	lives := map[string]life{}
	for _, f := range b.builds {
		l := lives[f.RoleARN]
		if f.load != nil && !l.invoked {
			l = life{f.site.region.Name, true}
		} else if l.region == "" {
			l.region = f.site.region.Name
		}
		lives[f.RoleARN] = l
	}
	return lives
}

// trustAlso adds a statement to the role's trust policy.
func (r *Role) trustAlso(s statement) {
	var d document
	mustParse(r.AssumeRolePolicy, &d)
	d.Statement = append(d.Statement, s)
	r.AssumeRolePolicy = d.trust()
}

// mustParse reads a document that this package wrote.
func mustParse(text string, into any) {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		panic("a policy of ours is not JSON: " + err.Error()) // cannot happen
	}
}

// servicesOf lists the services that the role's policies name. A role that was
// used logged something; the rest of what it may do was done within the month,
// long ago or never.
func (b *builder) servicesOf(r *Role, chance func() float64) {
	namespaces := map[string]bool{}
	documents := []string{}
	for _, p := range r.Inline {
		documents = append(documents, p.Document)
	}
	for _, arn := range r.Attached {
		if p := b.w.ManagedPolicy(arn); p != nil {
			documents = append(documents, p.Document)
		}
	}
	for _, text := range documents {
		var d document
		mustParse(text, &d)
		for _, s := range d.Statement {
			for _, action := range stringList(s.Action) {
				if namespace, _, ok := strings.Cut(action, ":"); ok && s.Effect == "Allow" {
					namespaces[namespace] = true
				}
			}
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(namespaces)) {
		use, drawn := ServiceUse{Namespace: namespace, Name: serviceTitle(namespace)}, chance()
		switch {
		case r.LastUsedAt.IsZero(), drawn < 0.15 && namespace != "logs":
		case drawn < 0.3 && namespace != "logs":
			use.LastAt, use.Region = r.LastUsedAt.AddDate(0, 0, -120-int(drawn*500)), r.LastUsedRegion
		case namespace == "logs":
			use.LastAt, use.Region = r.LastUsedAt, r.LastUsedRegion
		default:
			use.LastAt, use.Region = r.LastUsedAt.AddDate(0, 0, -int(drawn*25)), r.LastUsedRegion
		}
		r.Services = append(r.Services, use)
	}
}

// serviceTitle is how IAM calls a service; of those it is not told of, the namespace.
func serviceTitle(namespace string) string {
	titles := map[string]string{
		"logs": "Amazon CloudWatch Logs", "sqs": "Amazon SQS", "sns": "Amazon SNS", "s3": "Amazon S3", "dynamodb": "Amazon DynamoDB", "kinesis": "Amazon Kinesis Data Streams",
		"events": "Amazon EventBridge", "lambda": "AWS Lambda", "states": "AWS Step Functions", "ssm": "AWS Systems Manager", "kms": "AWS Key Management Service",
		"ec2": "Amazon EC2", "xray": "AWS X-Ray",
	}
	if title := titles[namespace]; title != "" {
		return title
	}
	return namespace
}
