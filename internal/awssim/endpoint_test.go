package awssim

import (
	"context"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestStandardEnvironment: the SDK's own configuration finds the server by
// AWS_ENDPOINT_URL and its per-service forms.
func TestStandardEnvironment(t *testing.T) {
	h, other := serve(t, Options{World: testWorld()}), serve(t, Options{World: testWorld()})
	key := ExampleCredential()
	t.Setenv("AWS_ENDPOINT_URL", h.url)
	t.Setenv("AWS_ENDPOINT_URL_CLOUDWATCH", other.url)
	t.Setenv("AWS_ACCESS_KEY_ID", key.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", key.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", "")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := lambda.NewFromConfig(cfg).GetAccountSettings(context.Background(), nil); err != nil || out.AccountUsage.FunctionCount != 120 {
		t.Errorf("got %+v, %v", out, err)
	}
	if _, err := cloudwatch.NewFromConfig(cfg).ListMetrics(context.Background(), nil); err != nil {
		t.Error(err)
	}
	if n := other.Calls().Operation("monitoring", "ListMetrics").Calls; n != 1 {
		t.Errorf("the other server was asked %d times", n)
	}
}

// TestBucketsByHostName: S3 clients put the bucket's name before a host that has
// one, and into the path where the host is an address or they are told to.
func TestBucketsByHostName(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld()})
	u, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	in := &s3.GetBucketNotificationConfigurationInput{Bucket: aws.String("uploads")}
	for name, client := range map[string]*s3.Client{
		"address": s3.NewFromConfig(h.config("us-east-1")),
		"path":    s3.NewFromConfig(h.config("us-east-1"), func(o *s3.Options) { o.UsePathStyle = true }),
	} {
		out, err := client.GetBucketNotificationConfiguration(context.Background(), in)
		if err != nil || len(out.LambdaFunctionConfigurations) != 2 || out.EventBridgeConfiguration == nil {
			t.Errorf("%s: got %+v, %v", name, out, err)
		}
	}
	for host, want := range map[string]string{
		"uploads.localhost:" + u.Port(): "uploads", "uploads.s3.us-east-1.amazonaws.com": "uploads", u.Host: "", "localhost": "", "s3.us-east-1.amazonaws.com": "",
	} {
		if got := bucketOfHost(host); got != want {
			t.Errorf("%s: bucket %q, want %q", host, got, want)
		}
	}
}
