package awssim

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A Credential is a key that the simulated account accepts.
type Credential struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string    // empty for long-lived keys
	Expires         time.Time // zero: never; by the wall clock
	Identity        Identity  // zero: the user faaswarden of the account
}

// Identity is who a credential belongs to, as GetCallerIdentity tells it.
type Identity struct {
	Account string
	ARN     string
	UserID  string
}

// ExampleCredential is the key pair of AWS's own documentation. A server without
// Options.Credentials accepts it and no other.
func ExampleCredential() Credential {
	return Credential{
		AccessKeyID:     "AKIAIOSFODNN7EXAMPLE",
		SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	}
}

const (
	signatureAlgorithm = "AWS4-HMAC-SHA256"
	amzTime            = "20060102T150405Z"
	unsignedPayload    = "UNSIGNED-PAYLOAD"
	permittedSkew      = 5 * time.Minute
	permittedSkewS3    = 15 * time.Minute
)

// authorization is a parsed Authorization header.
type authorization struct {
	key, date, region, service string
	signedHeaders              []string
	signature                  string
}

// parseAuthorization reads a SigV4 Authorization header.
func parseAuthorization(header string) (authorization, bool) {
	rest, ok := strings.CutPrefix(header, signatureAlgorithm+" ")
	if !ok {
		return authorization{}, false
	}
	var a authorization
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return authorization{}, false
			}
			a.key, a.date, a.region, a.service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			a.signedHeaders = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	return a, a.key != "" && a.signature != "" && slices.Contains(a.signedHeaders, "host")
}

// authenticate checks that the request was signed by a key of the account, now.
func (s *Server) authenticate(svc *service, a authorization, r *http.Request, payload []byte) (Identity, *apiError) {
	signedAt, err := time.Parse(amzTime, r.Header.Get("X-Amz-Date"))
	if err != nil || signedAt.Format("20060102") != a.date {
		return Identity{}, svc.fail(failIncompleteSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	}
	credential, ok := s.credential(a.key)
	if !ok || credential.SessionToken != r.Header.Get("X-Amz-Security-Token") {
		return Identity{}, svc.fail(failUnknownKey, "")
	}
	if !s.signatureMatches(a, credential, r, payload, signedAt) {
		return Identity{}, svc.fail(failBadSignature, "")
	}
	if fault := svc.skew(signedAt, s.clock()); fault != nil {
		return Identity{}, fault
	}
	if !credential.Expires.IsZero() && !s.clock().Before(credential.Expires) {
		return Identity{}, svc.fail(failExpired, "")
	}
	return credential.Identity, nil
}

// regionFor is the region a call is for. Services with one endpoint are all in
// us-east-1, and would refuse another; but a client with an endpoint of its own
// signs for the region it is configured with, and must be served.
func (s *service) regionFor(signed string) string {
	if s.global {
		return "us-east-1"
	}
	return signed
}

// skew refuses a request signed too long before or after now.
func (s *service) skew(signedAt, now time.Time) *apiError {
	allowed := permittedSkew
	if s.protocol == restXML {
		allowed = permittedSkewS3
	}
	offset := signedAt.Sub(now)
	if offset.Abs() <= allowed {
		return nil
	}
	switch {
	case s.protocol == restXML:
		return s.fail(failSkewed, "The difference between the request time and the current time is too large.")
	case s.protocol == ec2Query:
		return s.fail(failSkewed, "")
	case offset < 0:
		return s.fail(failSkewed, "Signature expired: %s is now earlier than %s (%s - 5 min.)",
			signedAt.Format(amzTime), now.Add(-allowed).Format(amzTime), now.Format(amzTime))
	default:
		return s.fail(failSkewed, "Signature not yet current: %s is still later than %s (%s + 5 min.)",
			signedAt.Format(amzTime), now.Add(allowed).Format(amzTime), now.Format(amzTime))
	}
}

// signatureMatches signs the request again as the client should have, over the
// headers it says it signed, and compares.
func (s *Server) signatureMatches(a authorization, c Credential, r *http.Request, payload []byte, at time.Time) bool {
	sum := sha256.Sum256(payload)
	hash := hex.EncodeToString(sum[:])
	if declared := r.Header.Get("X-Amz-Content-Sha256"); declared == unsignedPayload {
		hash = declared
	} else if declared != "" && declared != hash {
		return false
	}
	again := &http.Request{Method: r.Method, URL: cloneURL(r.URL), Host: r.Host, Header: http.Header{}}
	for _, name := range a.signedHeaders {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = int64(len(payload))
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	credentials := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	err := s.signer.SignHTTP(context.Background(), credentials, again, hash, a.service, a.region, at, func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = a.service == "s3"
	})
	if err != nil {
		return false
	}
	expected, ok := parseAuthorization(again.Header.Get("Authorization"))
	return ok && hmac.Equal([]byte(expected.signature), []byte(a.signature))
}

func cloneURL(u *url.URL) *url.URL {
	c := *u
	return &c
}
