package collect_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
)

// emptyChain makes the standard chain find nothing but what env sets.
func emptyChain(t *testing.T, env map[string]string) {
	t.Helper()
	home := t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "",
		"AWS_CONFIG_FILE": filepath.Join(home, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(home, "credentials"),
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_ACCESS_KEY": "", "AWS_SECRET_KEY": "",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_ROLE_ARN": "",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_STS": "", "AWS_CA_BUNDLE": "",
	} {
		if v, ok := env[name]; ok {
			value = v
		}
		t.Setenv(name, value)
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
}

func TestNoCredentialsSaysWhatWasTried(t *testing.T) {
	emptyChain(t, nil)
	_, err := collect.Load(t.Context(), collect.LoadOptions{})
	if !errors.Is(err, collect.ErrNoCredentials) {
		t.Fatalf("error: %v", err)
	}
	for _, part := range []string{
		"environment: AWS_ACCESS_KEY_ID is not set",
		`shared config: profile "default" in`, "config (not there)", "credentials (not there)",
		"web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set",
		"container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set",
		"instance metadata: switched off by AWS_EC2_METADATA_DISABLED",
		"run `faaswarden demo`",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q:\n%v", part, err)
		}
	}
}

func TestAbsentInstanceMetadata(t *testing.T) {
	absent := httptest.NewServer(nil)
	absent.Close()
	emptyChain(t, map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": absent.URL})
	_, err := collect.Load(t.Context(), collect.LoadOptions{})
	if !errors.Is(err, collect.ErrNoCredentials) || !strings.Contains(err.Error(), "instance metadata: no answer") {
		t.Errorf("error: %v", err)
	}
}

func TestUnknownProfile(t *testing.T) {
	emptyChain(t, nil)
	_, err := collect.Load(t.Context(), collect.LoadOptions{Profile: "prod"})
	if err == nil || !strings.Contains(err.Error(), `profile "prod" is in none of the shared config files`) {
		t.Errorf("error: %v", err)
	}
}

func TestNoRegion(t *testing.T) {
	emptyChain(t, map[string]string{"AWS_REGION": ""})
	_, err := collect.Load(t.Context(), collect.LoadOptions{})
	if err == nil || !strings.Contains(err.Error(), "no region: name regions in the config file") {
		t.Errorf("error: %v", err)
	}
}

func TestProfileFromSharedConfig(t *testing.T) {
	emptyChain(t, nil)
	text := "[profile prod]\nregion = ap-south-1\naws_access_key_id = AKIDPROD\naws_secret_access_key = s\n"
	if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_REGION", "")
	cfg, err := collect.Load(t.Context(), collect.LoadOptions{Profile: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	creds, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || creds.AccessKeyID != "AKIDPROD" || cfg.Region != "ap-south-1" {
		t.Errorf("%s in %s, %v", creds.AccessKeyID, cfg.Region, err)
	}
}

// Security tokens as STS answers them, times included.
const assumed = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><Arn>arn:aws:sts::210987654321:assumed-role/reader/faaswarden</Arn><AssumedRoleId>AROA:faaswarden</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>`

func caller(arn string) collecttest.Answer {
	return collecttest.Body(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
		`<Arn>` + arn + `</Arn><UserId>A</UserId><Account>210987654321</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
}

func TestAssumeRoleAndIdentity(t *testing.T) {
	emptyChain(t, nil)
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		"sts:AssumeRole":        collecttest.Body(assumed),
		"sts:GetCallerIdentity": caller("arn:aws-us-gov:sts::210987654321:assumed-role/reader/faaswarden"),
	})
	cfg, err := collect.Load(t.Context(), collect.LoadOptions{
		RoleARN: "arn:aws:iam::210987654321:role/reader", ExternalID: "e-1", Region: "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "s", ""), HTTPClient: wire,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(wire.Requests("sts:AssumeRole"), ""); !strings.Contains(got, "ExternalId=e-1") || !strings.Contains(got, "RoleSessionName=faaswarden") {
		t.Errorf("request: %s", got)
	}
	got, err := collect.Identity(t.Context(), cfg)
	want := collect.Caller{Account: "210987654321", Partition: "aws-us-gov", ARN: "arn:aws-us-gov:sts::210987654321:assumed-role/reader/faaswarden"}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAssumeRoleDenied(t *testing.T) {
	emptyChain(t, nil)
	_, err := collect.Load(t.Context(), collect.LoadOptions{
		RoleARN: "arn:aws:iam::210987654321:role/reader", Region: "eu-west-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "s", ""), HTTPClient: collecttest.NewWire(nil),
	})
	if collect.Classify(err) != collect.Denied || !strings.Contains(err.Error(), "assume role arn:aws:iam::210987654321:role/reader: its trust policy must name the caller") {
		t.Errorf("error: %v", err)
	}
}

func TestExpiredCredentialsNameTheRemedy(t *testing.T) {
	emptyChain(t, map[string]string{"AWS_PROFILE": ""})
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		"sts:GetCallerIdentity": collecttest.Fail("sts", 403, "ExpiredToken", "The security token included in the request is expired"),
	})
	cfg, err := collect.Load(t.Context(), collect.LoadOptions{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("ASIA", "s", "t"), HTTPClient: wire,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = collect.Identity(t.Context(), cfg)
	if !errors.Is(err, collect.ErrExpired) || !strings.Contains(err.Error(), "aws sso login --profile default") {
		t.Errorf("error: %v", err)
	}
}

func TestEndedSSOSessionNamesTheRemedy(t *testing.T) {
	emptyChain(t, nil)
	text := "[profile sso]\nregion = eu-west-1\nsso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = r\n"
	if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := collect.Load(t.Context(), collect.LoadOptions{Profile: "sso"})
	if !errors.Is(err, collect.ErrExpired) || !strings.Contains(err.Error(), "aws sso login --profile sso") {
		t.Errorf("error: %v", err)
	}
}

func TestEndpointURLReachesEveryService(t *testing.T) {
	emptyChain(t, nil)
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Host
		resp := caller("arn:aws:iam::210987654321:user/x")(r, "")
		_, _ = w.Write([]byte(resp.Body))
	}))
	t.Cleanup(server.Close)
	cfg, err := collect.Load(t.Context(), collect.LoadOptions{
		Region: "eu-west-1", EndpointURL: server.URL, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "s", Expires: time.Now().Add(time.Hour), CanExpire: true}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := collect.Identity(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; !strings.HasSuffix(server.URL, got) {
		t.Errorf("asked %s", got)
	}
}
