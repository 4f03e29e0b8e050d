package awssim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// onePerProtocol is a cheap call in each of the wire protocols.
func onePerProtocol() []sdkCall {
	var calls []sdkCall
	wanted := []string{
		"sts.AssumeRole", "lambda.GetAccountSettings", "monitoring.ListMetrics", "logs.DescribeLogGroups", "ec2.DescribeVpcs", "sqs.ListQueues",
		"s3.ListBuckets", "sns.ListTopics", "iam.ListRolePolicies", "events.ListEventBuses", "tagging.GetResources", "ce.GetTags",
	}
	for _, name := range wanted {
		for _, c := range sdkCalls() {
			if c.name == name {
				calls = append(calls, c)
			}
		}
	}
	return calls
}

// byService is what each service calls an error.
type byService map[string]string

func (b byService) want(call string) string {
	service, _, _ := strings.Cut(call, ".")
	if code, ok := b[service]; ok {
		return code
	}
	switch service {
	case "sts", "sns", "iam":
		return b["query"]
	default:
		return b["json"]
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	good := ExampleCredential()
	session := Credential{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
	ended := Credential{AccessKeyID: "ASIAENDED", SecretAccessKey: "secret", SessionToken: "token", Expires: time.Now().Add(-time.Minute)}
	h := serve(t, Options{World: testWorld(), Credentials: []Credential{good, session, ended}, Limits: Limits{Off: true}})

	wrongSecret, unknown, wrongToken := good, good, session
	wrongSecret.SecretAccessKey += "x"
	unknown.AccessKeyID = "AKIAUNKNOWN"
	wrongToken.SessionToken = "another"
	signature := byService{"json": "InvalidSignatureException", "query": "SignatureDoesNotMatch", "ec2": "AuthFailure", "s3": "SignatureDoesNotMatch", "monitoring": "SignatureDoesNotMatch"}
	client := byService{"json": "UnrecognizedClientException", "query": "InvalidClientTokenId", "ec2": "AuthFailure", "s3": "InvalidAccessKeyId", "monitoring": "InvalidClientTokenId"}
	expired := byService{"json": "ExpiredTokenException", "query": "ExpiredToken", "ec2": "RequestExpired", "s3": "ExpiredToken", "monitoring": "ExpiredToken"}
	missing := byService{"json": "MissingAuthenticationTokenException"}

	for _, test := range []struct {
		name       string
		credential Credential
		want       byService
	}{
		{"right key", good, byService{}},
		{"right session", session, byService{}},
		{"wrong secret", wrongSecret, signature},
		{"unknown key", unknown, client},
		{"wrong session token", wrongToken, client},
		{"ended session", ended, expired},
	} {
		for _, c := range onePerProtocol() {
			t.Run(test.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				_, err := c.call(context.Background(), configFor(h.url, "us-east-1", test.credential))
				if got, want := codeOf(err), test.want.want(c.name); got != want {
					t.Errorf("got %q (%v), want %q", got, err, want)
				}
			})
		}
	}
	t.Run("unsigned", func(t *testing.T) {
		t.Parallel()
		cfg := h.config("us-east-1")
		cfg.Credentials = aws.AnonymousCredentials{}
		_, err := lambda.NewFromConfig(cfg).GetAccountSettings(context.Background(), nil)
		if got := codeOf(err); got != missing["json"] {
			t.Errorf("got %q (%v)", got, err)
		}
	})
}

// TestClockSkew: a clock an hour off is refused in words that say so, with the
// Date that lets the SDK correct itself.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	codes := byService{"json": "InvalidSignatureException", "query": "SignatureDoesNotMatch", "ec2": "AuthFailure", "s3": "RequestTimeTooSkewed", "monitoring": "SignatureDoesNotMatch"}
	for name, skew := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour} {
		h := serve(t, Options{World: testWorld(), ClockSkew: skew, Limits: Limits{Off: true}})
		for _, c := range onePerProtocol() {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				_, err := c.call(context.Background(), h.config("us-east-1"))
				if got, want := codeOf(err), codes.want(c.name); got != want {
					t.Errorf("one attempt: got %q (%v), want %q", got, err, want)
				}
				if words := "Signature expired"; name == "ahead" && codes.want(c.name) == "InvalidSignatureException" && !strings.Contains(messageOf(err), words) {
					t.Errorf("message %q does not say %q", messageOf(err), words)
				}
				if _, err := c.call(context.Background(), patient(h.config("us-east-1"))); err != nil {
					t.Errorf("the SDK did not correct its clock: %v", err)
				}
			})
		}
	}
	within := serve(t, Options{World: testWorld(), ClockSkew: 4 * time.Minute})
	if _, err := sts.NewFromConfig(within.config("us-east-1")).GetCallerIdentity(context.Background(), nil); err != nil {
		t.Errorf("four minutes off: %v", err)
	}
}

// signedRequest is a request as no SDK would send it, signed rightly.
func (h *harness) signedRequest(t *testing.T, service, method, path, payload string, header map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, h.url+path, strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	c := ExampleCredential()
	sum := sha256.Sum256([]byte(payload))
	err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey}, r,
		hex.EncodeToString(sum[:]), service, "us-east-1", time.Now(), func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// send is the answer to a request.
func send(t *testing.T, r *http.Request) (status int, text string, header http.Header) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw), response.Header
}

func jsonHeader(target string) map[string]string {
	return map[string]string{"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
}

// TestTampering: what was signed is what is checked.
func TestTampering(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld()})
	for name, tamper := range map[string]func(*http.Request){
		"body":          func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"limit":7}`)) },
		"query":         func(r *http.Request) { r.URL.RawQuery = "a=b" },
		"path":          func(r *http.Request) { r.URL.Path = "/x" },
		"signed header": func(r *http.Request) { r.Header.Set("X-Amz-Target", "Logs_20140328.StartQuery") },
		"declared hash": func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) },
		"host unsigned": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";host", "", 1))
		},
		"date":           func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260101T000000Z") },
		"no date":        func(r *http.Request) { r.Header.Del("X-Amz-Date") },
		"garbled header": func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := h.signedRequest(t, "logs", http.MethodPost, "/", `{"limit":5}`, jsonHeader("Logs_20140328.DescribeLogGroups"))
			tamper(r)
			if status, text, _ := send(t, r); status != 400 && status != 403 || !strings.Contains(text, "Signature") && !strings.Contains(text, "signature") && !strings.Contains(text, "Credential") {
				t.Errorf("answered %d %s", status, text)
			}
		})
	}
	t.Run("untouched", func(t *testing.T) {
		t.Parallel()
		r := h.signedRequest(t, "logs", http.MethodPost, "/", `{"limit":5}`, jsonHeader("Logs_20140328.DescribeLogGroups"))
		if status, text, header := send(t, r); status != 200 || header.Get("X-Amzn-Requestid") == "" {
			t.Errorf("answered %d %s", status, text)
		}
	})
}

func TestAssumedRole(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld()})
	ctx := context.Background()
	assume := func(arn string) (*sts.AssumeRoleOutput, error) {
		return sts.NewFromConfig(h.config("eu-west-1")).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(arn), RoleSessionName: aws.String("audit")})
	}
	out, err := assume("arn:aws:iam::111122223333:role/service/worker")
	if err != nil {
		t.Fatal(err)
	}
	granted := Credential{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
	who, err := sts.NewFromConfig(configFor(h.url, "us-east-1", granted)).GetCallerIdentity(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::111122223333:assumed-role/worker/audit"; *who.Arn != want {
		t.Errorf("the session is %s, want %s", *who.Arn, want)
	}
	for _, arn := range []string{"arn:aws:iam::111122223333:role/nosuch", "arn:aws:iam::999999999999:role/other"} {
		if _, err := assume(arn); codeOf(err) != "AccessDenied" || !strings.Contains(messageOf(err), "sts:AssumeRole on resource: "+arn) {
			t.Errorf("%s: got %v", arn, err)
		}
	}
	if _, err := assume("nonsense-that-is-long-enough"); codeOf(err) != "ValidationError" {
		t.Errorf("got %v", err)
	}
}

// TestGlobalServicesHaveOneRegion: a client with an endpoint of its own signs for
// its region; the call is one of us-east-1 all the same.
func TestGlobalServicesHaveOneRegion(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld()})
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		if _, err := iam.NewFromConfig(h.config(region)).GetRole(context.Background(), &iam.GetRoleInput{RoleName: aws.String("worker")}); err != nil {
			t.Errorf("%s: %v", region, err)
		}
	}
	if calls := h.Calls().Calls; len(calls) != 1 || calls[0].Calls != 2 || calls[0].Region != "us-east-1" {
		t.Errorf("the ledger says %+v", calls)
	}
}

func TestOversizedRequest(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld()})
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, h.url, bytes.NewReader(make([]byte, maxRequestBody+1)))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return // the connection was closed on the client
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %s", response.Status)
	}
}
