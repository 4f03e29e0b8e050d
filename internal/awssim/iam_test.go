package awssim

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// TestServiceLastAccessed: a report is generated, not ready at the first look,
// then paged; another's job is not found.
func TestServiceLastAccessed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := serve(t, Options{World: testWorld()})
	client := iam.NewFromConfig(h.config("us-east-1"))
	job, err := client.GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{Arn: aws.String("arn:aws:iam::111122223333:role/service/worker")})
	if err != nil {
		t.Fatal(err)
	}
	in := &iam.GetServiceLastAccessedDetailsInput{JobId: job.JobId, MaxItems: aws.Int32(1)}
	if out, err := client.GetServiceLastAccessedDetails(ctx, in); err != nil || out.JobStatus != iamtypes.JobStatusTypeInProgress || len(out.ServicesLastAccessed) != 0 {
		t.Fatalf("first look: got %+v, %v", out, err)
	}
	first, err := client.GetServiceLastAccessedDetails(ctx, in)
	if err != nil || !first.IsTruncated || *first.ServicesLastAccessed[0].ServiceNamespace != "sqs" || !first.ServicesLastAccessed[0].LastAuthenticated.Equal(noon) {
		t.Fatalf("first page: got %+v, %v", first, err)
	}
	in.Marker = first.Marker
	second, err := client.GetServiceLastAccessedDetails(ctx, in)
	if err != nil || second.IsTruncated || *second.ServicesLastAccessed[0].ServiceNamespace != "s3" || second.ServicesLastAccessed[0].LastAuthenticated != nil {
		t.Errorf("second page: got %+v, %v", second, err)
	}
	in = &iam.GetServiceLastAccessedDetailsInput{JobId: aws.String("00000000-0000-4000-8000-000000000000")}
	if _, err := client.GetServiceLastAccessedDetails(ctx, in); codeOf(err) != "NoSuchEntity" {
		t.Errorf("unknown job: got %v", err)
	}
}

// TestAuthorizationDetailsOfPolicies: a policy comes with all its versions, of
// which one is the default; details do not tell how long sessions may be.
func TestAuthorizationDetailsOfPolicies(t *testing.T) {
	t.Parallel()
	client := iam.NewFromConfig(serve(t, Options{World: testWorld()}).config("us-east-1"))
	out, err := client.GetAccountAuthorizationDetails(context.Background(), &iam.GetAccountAuthorizationDetailsInput{Filter: []iamtypes.EntityType{iamtypes.EntityTypeLocalManagedPolicy}})
	if err != nil || len(out.RoleDetailList) != 0 || len(out.Policies) != 1 || len(out.Policies[0].PolicyVersionList) != 2 {
		t.Fatalf("got %+v, %v", out, err)
	}
	for _, v := range out.Policies[0].PolicyVersionList {
		if v.IsDefaultVersion != (*v.VersionId == "v3") {
			t.Errorf("version %s: default %v", *v.VersionId, v.IsDefaultVersion)
		}
	}
	if role, err := client.GetRole(context.Background(), &iam.GetRoleInput{RoleName: aws.String("worker")}); err != nil || *role.Role.MaxSessionDuration != 7200 {
		t.Errorf("got %+v, %v", role, err)
	}
}

// TestGeneratedRoles: a world's roles show every kind of trust and of use, and
// policies have a past.
func TestGeneratedRoles(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Functions: 400, Days: 1})
	found := map[string]bool{}
	for _, r := range w.Roles {
		found["used"] = found["used"] || !r.LastUsedAt.IsZero()
		found["never used"] = found["never used"] || r.LastUsedAt.IsZero()
		found["bounded"] = found["bounded"] || w.ManagedPolicy(r.PermissionBoundary) != nil
		partner := strings.Contains(r.AssumeRolePolicy, partnerAccount)
		external := strings.Contains(r.AssumeRolePolicy, "sts:ExternalId")
		found["partner with external id"] = found["partner with external id"] || partner && external
		found["partner without"] = found["partner without"] || partner && !external
		for _, s := range r.Services {
			found["service never used"] = found["service never used"] || s.LastAt.IsZero() && !r.LastUsedAt.IsZero()
			if s.LastAt.After(w.Now) || r.LastUsedAt.After(w.Now) {
				t.Errorf("%s was used after the end of data", r.Name)
			}
		}
	}
	for _, kind := range []string{"used", "never used", "bounded", "partner with external id", "partner without", "service never used"} {
		if !found[kind] {
			t.Errorf("no role: %s", kind)
		}
	}
	if !slices.ContainsFunc(w.ManagedPolicies, func(p *ManagedPolicy) bool { return len(p.Older) > 0 }) {
		t.Error("no policy has an older version")
	}
}
