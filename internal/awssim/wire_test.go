package awssim

import (
	"context"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
)

// A harness is a server and what its handlers answered.
type harness struct {
	*Server
	url string

	mu       sync.Mutex
	answered map[string]obj
}

// serve starts a server for the test's life.
func serve(t *testing.T, o Options) *harness {
	t.Helper()
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{Server: s, answered: map[string]obj{}}
	s.observe = func(operation string, answer obj) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.answered[operation] = answer
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h.url = server.URL
	return h
}

// config is what an SDK client is made from. It tries once.
func (h *harness) config(region string) aws.Config {
	return configFor(h.url, region, ExampleCredential())
}

func configFor(url, region string, c Credential) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// patient retries often and at once.
func patient(cfg aws.Config) aws.Config {
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 10
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 20 * time.Millisecond, nil })
			o.RateLimiter = unlimited{}
		})
	}
	return cfg
}

type unlimited struct{}

func (unlimited) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (unlimited) AddTokens(uint) error { return nil }

// codeOf is the code of an AWS error, "" for none.
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// messageOf is the message of an AWS error.
func messageOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return ""
}

// matchWire reports everything in a handler's answer that the SDK did not read,
// or read otherwise: a member the service's model does not have, or a value that
// the encoding changed.
func matchWire(path string, want any, got reflect.Value) []string {
	for got.Kind() == reflect.Pointer || got.Kind() == reflect.Interface {
		if got.IsNil() {
			if isEmpty(want) {
				return nil
			}
			return []string{path + ": not read by the SDK"}
		}
		got = got.Elem()
	}
	switch want := want.(type) {
	case nil:
		return nil
	case obj:
		return matchObject(path, want, got)
	case map[string]string, map[string]float64:
		return matchMap(path, reflect.ValueOf(want), got)
	case time.Time:
		if at, ok := reflect.TypeAssert[time.Time](got); !ok || !at.Equal(want.Truncate(time.Millisecond)) && !at.Equal(want.Truncate(time.Second)) {
			return []string{path + ": read as " + printed(got) + ", want " + want.String()}
		}
		return nil
	}
	if items := reflect.ValueOf(want); items.Kind() == reflect.Slice {
		return matchList(path, items, got)
	}
	if printed(got) != printed(reflect.ValueOf(want)) {
		return []string{path + ": read as " + printed(got) + ", want " + printed(reflect.ValueOf(want))}
	}
	return nil
}

func printed(v reflect.Value) string { return strings.TrimSpace(strings.TrimSuffix(sprint(v), ".0")) }

func isEmpty(want any) bool {
	v := reflect.ValueOf(want)
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return v.Len() == 0
	default:
		return want == nil
	}
}

func matchObject(path string, want obj, got reflect.Value) []string {
	if got.Kind() == reflect.Map { // a map of the model that a recording cannot tell from a structure
		return matchMap(path, reflect.ValueOf(want), got)
	}
	if got.Kind() != reflect.Struct {
		return []string{path + ": read as " + got.Kind().String()}
	}
	var faults []string
	for member, value := range want {
		field := got.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, member) })
		if member == "" { // S3's location: the text of the root
			field = got.FieldByName("LocationConstraint")
		}
		if member == "item" && !field.IsValid() { // API Gateway's lists are called by one of their items
			field = got.FieldByName("Items")
		}
		if union := "member" + strings.ToLower(member); !field.IsValid() && strings.HasSuffix(strings.ToLower(got.Type().Name()), union) {
			field = got.FieldByName("Value")
		}
		if !field.IsValid() {
			faults = append(faults, path+"."+member+": no such member")
			continue
		}
		faults = append(faults, matchWire(path+"."+member, value, field)...)
	}
	return faults
}

func matchMap(path string, want, got reflect.Value) []string {
	if got.Kind() != reflect.Map || got.Len() != want.Len() {
		return []string{path + ": a map of another size was read"}
	}
	var faults []string
	for _, key := range want.MapKeys() {
		value := got.MapIndex(key)
		if !value.IsValid() {
			faults = append(faults, path+"["+key.String()+"]: not read")
			continue
		}
		faults = append(faults, matchWire(path+"["+key.String()+"]", want.MapIndex(key).Interface(), value)...)
	}
	return faults
}

func matchList(path string, want, got reflect.Value) []string {
	if got.Kind() != reflect.Slice || got.Len() != want.Len() {
		return []string{path + ": a list of another length was read"}
	}
	var faults []string
	for i := range want.Len() {
		faults = append(faults, matchWire(path+"[]", want.Index(i).Interface(), got.Index(i))...)
	}
	return faults
}
