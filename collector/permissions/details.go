package permissions

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/faaswarden/faaswarden/internal/collect"
)

const (
	detailsAction = "iam:GetAccountAuthorizationDetails"
	detailsPage   = 1000
)

// details are the account's roles that functions may have, read all at once.
// Of a role that is not among them IAM is asked by name.
type details struct {
	roles map[string]*role // nil: they could not be read at once
}

// account reads the details once a cycle, for all regions. It is an answer too
// that they may not be read: then every role is asked for by itself, and nothing is missing.
func (p *reader) account(ctx context.Context) (*details, error) {
	return collect.Cached(ctx, p.Cache, "permissions account", func(ctx context.Context) (*details, error) {
		roles, err := p.readDetails(ctx)
		if collect.Stop(err) {
			return nil, err
		}
		if err != nil {
			p.Log.Info("roles are read one by one", "action", detailsAction, "outcome", string(collect.Classify(err)), "detail", collect.Describe(err))
			return &details{}, nil
		}
		return &details{roles}, nil
	})
}

// detailed is a role whose managed policies are not read yet.
type detailed struct {
	role     *role
	attached []string
}

// readDetails reads roles first and then policies, so that of the thousands of
// either only those stay that functions need.
func (p *reader) readDetails(ctx context.Context) (map[string]*role, error) {
	kept := map[string]*detailed{}
	needed := map[string]*document{}
	err := p.pages(ctx, []types.EntityType{types.EntityTypeRole}, func(out *iam.GetAccountAuthorizationDetailsOutput) {
		for _, detail := range out.RoleDetailList {
			d := p.detail(detail)
			if !d.role.Facts.Trust.lambda() && !p.used[d.role.Facts.ARN] {
				continue
			}
			kept[d.role.Facts.ARN] = d
			for _, arn := range d.policies() {
				needed[arn] = nil
			}
		}
	})
	if err != nil {
		return nil, err
	}
	err = p.pages(ctx, []types.EntityType{types.EntityTypeLocalManagedPolicy, types.EntityTypeAWSManagedPolicy}, func(out *iam.GetAccountAuthorizationDetailsOutput) {
		for _, policy := range out.Policies {
			arn := aws.ToString(policy.Arn)
			if _, ok := needed[arn]; ok {
				needed[arn] = defaultVersion(arn, policy)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	roles := map[string]*role{}
	for arn, d := range kept {
		if roles[arn], err = p.assembled(ctx, d, needed); err != nil {
			return nil, err
		}
	}
	return roles, nil
}

func (p *reader) pages(ctx context.Context, filter []types.EntityType, each func(*iam.GetAccountAuthorizationDetailsOutput)) error {
	return collect.Pages(ctx, detailsAction, func(ctx context.Context, marker *string) (*string, error) {
		out, err := p.client.GetAccountAuthorizationDetails(ctx, &iam.GetAccountAuthorizationDetailsInput{
			Filter: filter, MaxItems: aws.Int32(detailsPage), Marker: marker,
		})
		if err != nil {
			return nil, err
		}
		if out.IsTruncated && aws.ToString(out.Marker) == "" {
			return nil, errors.New("the answer is cut short and does not say where to go on")
		}
		each(out)
		return next(out.IsTruncated, out.Marker), nil
	})
}

// detail is what the answer itself holds of a role.
func (p *reader) detail(detail types.RoleDetail) *detailed {
	d := &detailed{role: &role{Answers: []answer{{Action: detailsAction}}}}
	d.role.Facts = p.facts(detailsAction, types.Role{
		Arn: detail.Arn, RoleName: detail.RoleName, Path: detail.Path, CreateDate: detail.CreateDate, AssumeRolePolicyDocument: detail.AssumeRolePolicyDocument,
		PermissionsBoundary: detail.PermissionsBoundary, RoleLastUsed: detail.RoleLastUsed, Tags: detail.Tags,
	})
	for _, inline := range detail.RolePolicyList {
		list, err := parse(aws.ToString(inline.PolicyName), aws.ToString(inline.PolicyDocument))
		d.role.Statements = append(d.role.Statements, list...)
		if err != nil {
			d.role.Answers = append(d.role.Answers, answer{detailsAction, err})
		}
	}
	for _, attached := range detail.AttachedManagedPolicies {
		d.attached = append(d.attached, aws.ToString(attached.PolicyArn))
	}
	return d
}

// policies are the managed policies that the role needs.
func (d *detailed) policies() []string {
	if d.role.Facts.Boundary == "" {
		return d.attached
	}
	return append([]string{d.role.Facts.Boundary}, d.attached...)
}

// defaultVersion is the version that holds; the answer has all of them. Nil when
// it is not among them.
func defaultVersion(arn string, policy types.ManagedPolicyDetail) *document {
	for _, v := range policy.PolicyVersionList {
		if !v.IsDefaultVersion {
			continue
		}
		list, err := parse(arn, aws.ToString(v.Document))
		return &document{Statements: list, Answers: []answer{{detailsAction, err}}}
	}
	return nil
}

// assembled is the role with its managed policies. One that the answer lacked,
// attached a moment ago, is asked for by itself.
func (p *reader) assembled(ctx context.Context, d *detailed, read map[string]*document) (*role, error) {
	policy := func(arn string) (*document, error) {
		if read[arn] != nil {
			return read[arn], nil
		}
		return p.managed(ctx, arn)
	}
	for _, arn := range d.attached {
		found, err := policy(arn)
		if err != nil {
			return nil, err
		}
		d.role.attach(found)
	}
	if d.role.Facts.Boundary == "" {
		return d.role, nil
	}
	found, err := policy(d.role.Facts.Boundary)
	if err != nil {
		return nil, err
	}
	d.role.bound(found)
	return d.role, nil
}

// facts are what IAM tells of the role itself.
func (p *reader) facts(source string, r types.Role) *facts {
	f := &facts{
		ARN: aws.ToString(r.Arn), Name: aws.ToString(r.RoleName), Path: aws.ToString(r.Path), CreatedAt: aws.ToTime(r.CreateDate).UTC(), Source: source, Tags: map[string]string{},
	}
	if f.Name == "" {
		f.Name = f.ARN[strings.LastIndex(f.ARN, "/")+1:]
	}
	if b := r.PermissionsBoundary; b != nil {
		f.Boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	if r.MaxSessionDuration != nil {
		f.MaxSessionS = aws.Int64(int64(*r.MaxSessionDuration))
	}
	if used := r.RoleLastUsed; used != nil && used.LastUsedDate != nil {
		f.LastUsedAt, f.LastUsedRegion = aws.Time(used.LastUsedDate.UTC()), aws.ToString(used.Region)
	}
	for _, tag := range r.Tags {
		f.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	f.Trust, f.TrustErr = parseTrust(p.Account, aws.ToString(r.AssumeRolePolicyDocument))
	return f
}
