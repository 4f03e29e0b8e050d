package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// LoadOptions say whose account is read and where. The zero value is the SDK's
// standard chain and environment.
type LoadOptions struct {
	Profile     string // of the shared config files; empty: AWS_PROFILE or default
	RoleARN     string // assumed on top of the chain's credentials
	ExternalID  string // for RoleARN
	SessionName string // for RoleARN; faaswarden when empty
	Region      string // empty: AWS_REGION or the profile's
	OrRegion    string // where neither Region, AWS_REGION nor the profile names one
	EndpointURL string // for every service; empty: AWS's, or AWS_ENDPOINT_URL and its per-service forms

	Credentials aws.CredentialsProvider // instead of the chain
	HTTPClient  aws.HTTPClient          // instead of the SDK's, but for what the chain itself asks
}

// ErrNoCredentials says that the standard chain found none.
var ErrNoCredentials = errors.New("no AWS credentials")

// ErrExpired says that credentials were found and AWS does not accept them.
var ErrExpired = errors.New("AWS credentials are expired or not valid")

// Load returns a configuration whose credentials have been resolved once, so
// that a missing or expired credential is one clear error at the start and not
// many later. Instance metadata that does not answer is given up after the
// SDK's five seconds. Nothing of it is metered or limited yet: see Instrument.
func Load(ctx context.Context, o LoadOptions) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, o.chain()...)
	if missing := (config.SharedConfigProfileNotExistError{}); errors.As(err, &missing) {
		return aws.Config{}, fmt.Errorf("load the AWS configuration: profile %q is in none of the shared config files (%s): %w", missing.Profile, sharedFiles(), err)
	}
	if err != nil {
		return aws.Config{}, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if o.HTTPClient != nil {
		cfg.HTTPClient = o.HTTPClient
	}
	if o.EndpointURL != "" {
		cfg.BaseEndpoint = aws.String(o.EndpointURL)
	}
	if cfg.Region = cmp.Or(cfg.Region, o.OrRegion); cfg.Region == "" {
		return aws.Config{}, errors.New("load the AWS configuration: no region: name regions in the config file, or set AWS_REGION or the profile's region")
	}
	if cfg.Credentials == nil {
		return aws.Config{}, noCredentials(o, errors.New("the chain is empty"))
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, credentialsError(o, err)
	}
	if o.RoleARN == "" {
		return cfg, nil
	}
	return Assume(ctx, cfg, o)
}

func (o LoadOptions) chain() []func(*config.LoadOptions) error {
	var list []func(*config.LoadOptions) error
	if o.Profile != "" {
		list = append(list, config.WithSharedConfigProfile(o.Profile))
	}
	if o.Region != "" {
		list = append(list, config.WithRegion(o.Region))
	}
	if o.Credentials != nil {
		list = append(list, config.WithCredentialsProvider(o.Credentials))
	}
	return list
}

// Assume returns cfg with the credentials of o's role, which are renewed before
// they end. They have been resolved once.
func Assume(ctx context.Context, cfg aws.Config, o LoadOptions) (aws.Config, error) {
	cfg = cfg.Copy()
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), o.RoleARN, func(p *stscreds.AssumeRoleOptions) {
		p.RoleSessionName = "faaswarden"
		if o.SessionName != "" {
			p.RoleSessionName = o.SessionName
		}
		if o.ExternalID != "" {
			p.ExternalID = aws.String(o.ExternalID)
		}
	})
	cfg.Credentials = aws.NewCredentialsCache(provider)
	_, err := cfg.Credentials.Retrieve(ctx)
	switch {
	case err == nil:
		return cfg, nil
	case ExpiredCredentials(err):
		return aws.Config{}, fmt.Errorf("assume role %s: %w", o.RoleARN, expired(o, err))
	case Classify(err) == Denied:
		return aws.Config{}, fmt.Errorf("assume role %s: its trust policy must name the caller (and the external id, if it asks for one), and the caller needs sts:AssumeRole: %w", o.RoleARN, err)
	}
	return aws.Config{}, fmt.Errorf("assume role %s: %w", o.RoleARN, err)
}

// Caller is who the credentials belong to.
type Caller struct {
	Account   string // 12 digits
	Partition string // aws, aws-cn, aws-us-gov
	ARN       string
}

// Identity asks STS, which answers every valid credential whatever its policy.
func Identity(ctx context.Context, cfg aws.Config) (Caller, error) {
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if ExpiredCredentials(err) {
		return Caller{}, fmt.Errorf("ask who the credentials belong to: %w", expired(LoadOptions{}, err))
	}
	if err != nil {
		return Caller{}, fmt.Errorf("ask who the credentials belong to: %w", err)
	}
	caller, err := arn.Parse(aws.ToString(out.Arn))
	if err != nil {
		return Caller{}, fmt.Errorf("ask who the credentials belong to: read the answered ARN %q: %w", aws.ToString(out.Arn), err)
	}
	return Caller{Account: aws.ToString(out.Account), Partition: caller.Partition, ARN: caller.String()}, nil
}

// credentialsError tells credentials that are there and no good from none.
func credentialsError(o LoadOptions, err error) error {
	session := new(ssocreds.InvalidTokenError)
	text := err.Error()
	ssoEnded := strings.Contains(text, "failed to read cached SSO token") || strings.Contains(text, "cached SSO token is expired")
	if errors.As(err, &session) || ssoEnded || ExpiredCredentials(err) {
		return fmt.Errorf("load AWS credentials: %w", expired(o, err))
	}
	return noCredentials(o, err)
}

// expired names the remedy.
func expired(o LoadOptions, err error) error {
	profile := profileOf(o)
	return fmt.Errorf("%w (%w): renew them with `aws sso login --profile %s`, or export a new AWS_SESSION_TOKEN, and check the clock", ErrExpired, err, profile)
}

// noCredentials lists every place of the chain and what was there.
func noCredentials(o LoadOptions, err error) error {
	env := func(names ...string) string {
		for _, name := range names {
			if os.Getenv(name) == "" {
				return name + " is not set"
			}
		}
		return "set"
	}
	container := "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set"
	if os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != "" || os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") != "" {
		container = "set, no credentials came"
	}
	metadata := "no answer"
	if strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		metadata = "switched off by AWS_EC2_METADATA_DISABLED"
	}
	tried := []string{
		"environment: " + env("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
		fmt.Sprintf("shared config: profile %q in %s", profileOf(o), sharedFiles()),
		"web identity: " + env("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
		"container: " + container,
		"instance metadata: " + metadata,
	}
	return fmt.Errorf("%w; tried\n  %s\nTo see faaswarden without an account, run `faaswarden demo`. The chain ended with: %w",
		ErrNoCredentials, strings.Join(tried, "\n  "), err)
}

func profileOf(o LoadOptions) string {
	for _, name := range []string{o.Profile, os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE")} {
		if name != "" {
			return name
		}
	}
	return "default"
}

// sharedFiles names the shared config files and which of them exist.
func sharedFiles() string {
	places := []string{config.DefaultSharedConfigFilename(), config.DefaultSharedCredentialsFilename()}
	for i, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		if path := os.Getenv(name); path != "" {
			places[i] = path
		}
	}
	for i, path := range places {
		if _, err := os.Stat(filepath.Clean(path)); err != nil {
			places[i] = path + " (not there)"
		}
	}
	return strings.Join(places, ", ")
}
