package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// simulated is how many actions IAM's policy simulator is asked about at once.
const simulated = 100

// permissions says of every action whether it is allowed. IAM's policy
// simulator knows them all, without calling one; those that cost nothing and
// need no resource are called as well when it may not be asked.
func (o Options) permissions(ctx context.Context, cfg aws.Config, caller string, check checker) []Check {
	wanted := actions(o.Collectors)
	verdicts, err := simulate(ctx, cfg, sourceARN(caller), wanted)
	how := "IAM's policy simulator"
	if err != nil {
		how = "a call"
		verdicts = probe(ctx, cfg, wanted)
	}
	var denied, unknown []Check
	allowed := 0
	for _, a := range wanted {
		switch verdict, ok := verdicts[a.Name]; {
		case !ok:
			unknown = append(unknown, check(a.Name, Unknown, "not examined: it needs a resource or costs money, and the policy simulator may not be asked", "if it is denied, blind: "+a.Blinds))
		case verdict == "":
			allowed++
		default:
			denied = append(denied, check(a.Name, Warn, verdict, "blind: "+a.Blinds))
		}
	}
	summary := check("permissions", OK, fmt.Sprintf("%d of %d actions are allowed, says %s", allowed, len(wanted), how), "")
	if len(unknown) > 0 {
		summary.State = Unknown
		summary.Remedy = "allow iam:SimulatePrincipalPolicy for doctor alone, or read the gaps of a first collection: " + collect.Describe(err)
	}
	if len(denied) > 0 {
		summary.State = Warn
		summary.Remedy = "attach the policy that `faaswarden policy` prints; what is denied is listed"
	}
	return slices.Concat([]Check{summary}, denied, unknown)
}

// simulate asks for the verdict on every action: empty when it is allowed.
func simulate(ctx context.Context, cfg aws.Config, principal string, wanted []collect.Action) (map[string]string, error) {
	client := iam.NewFromConfig(cfg)
	verdicts := map[string]string{}
	for part := range slices.Chunk(wanted, simulated) {
		names := make([]string, len(part))
		for i, a := range part {
			names[i] = a.Name
		}
		err := collect.Pages(ctx, "iam:SimulatePrincipalPolicy", func(ctx context.Context, marker *string) (*string, error) {
			out, err := client.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &principal, ActionNames: names, Marker: marker})
			if err != nil {
				return nil, fmt.Errorf("simulate the policies of %s: %w", principal, err)
			}
			for _, r := range out.EvaluationResults {
				verdict := ""
				switch {
				case r.OrganizationsDecisionDetail != nil && !r.OrganizationsDecisionDetail.AllowedByOrganizations:
					verdict = "denied by a policy of the organisation"
				case r.EvalDecision != "allowed":
					verdict = "denied: " + string(r.EvalDecision)
				}
				verdicts[aws.ToString(r.EvalActionName)] = verdict
			}
			return out.Marker, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// probe calls what is free and needs no resource.
func probe(ctx context.Context, cfg aws.Config, wanted []collect.Action) map[string]string {
	one := aws.Int32(1)
	probes := map[string]func(context.Context) error{
		"lambda:ListFunctions": func(ctx context.Context) error {
			_, err := lambda.NewFromConfig(cfg).ListFunctions(ctx, &lambda.ListFunctionsInput{MaxItems: one})
			return err
		},
		"lambda:ListEventSourceMappings": func(ctx context.Context) error {
			_, err := lambda.NewFromConfig(cfg).ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{MaxItems: one})
			return err
		},
		"lambda:GetAccountSettings": func(ctx context.Context) error {
			_, err := lambda.NewFromConfig(cfg).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
			return err
		},
		"logs:DescribeLogGroups": func(ctx context.Context) error {
			_, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{Limit: one})
			return err
		},
		"tag:GetResources": func(ctx context.Context) error {
			_, err := resourcegroupstaggingapi.NewFromConfig(cfg).GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{ResourcesPerPage: one})
			return err
		},
		"sqs:ListQueues": func(ctx context.Context) error {
			_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: one})
			return err
		},
		"ec2:DescribeSubnets": func(ctx context.Context) error {
			_, err := ec2.NewFromConfig(cfg).DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(5)})
			return err
		},
		"ec2:DescribeSecurityGroups": func(ctx context.Context) error {
			_, err := ec2.NewFromConfig(cfg).DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{MaxResults: aws.Int32(5)})
			return err
		},
	}
	verdicts := map[string]string{}
	for _, a := range wanted {
		call := probes[a.Name]
		if call == nil {
			continue
		}
		switch err := call(ctx); collect.Classify(err) {
		case collect.OK:
			verdicts[a.Name] = ""
		case collect.Denied:
			verdicts[a.Name] = "denied: " + strings.TrimSpace(collect.Describe(err))
		default: // no verdict: it stays unknown
		}
	}
	return verdicts
}
