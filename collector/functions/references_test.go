package functions

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestRecognise(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]string{
		// Resources.
		"arn:aws:sqs:eu-west-1:123456789012:orders":                            {"arn:aws:sqs:eu-west-1:123456789012:orders"},
		"arn:aws:sns:eu-west-1:123456789012:orders.fifo":                       {"arn:aws:sns:eu-west-1:123456789012:orders.fifo"},
		"arn:aws-cn:dynamodb:cn-north-1:123456789012:table/orders/index/by-id": {"arn:aws-cn:dynamodb:cn-north-1:123456789012:table/orders"},
		"arn:aws:lambda:eu-west-1:123456789012:function:next:live":             {"arn:aws:lambda:eu-west-1:123456789012:function:next"},
		"arn:aws:s3:::images/private/key.png":                                  {"arn:aws:s3:::images"},
		"https://sqs.eu-west-1.amazonaws.com/123456789012/orders":              {"arn:aws:sqs:eu-west-1:123456789012:orders"},
		"https://eu-west-1.queue.amazonaws.com/123456789012/orders":            {"arn:aws:sqs:eu-west-1:123456789012:orders"},
		"s3://images/in/": {"arn:aws:s3:::images"},
		"https://images.s3.eu-west-1.amazonaws.com/a?X-Amz-Signature=abc":                              {"arn:aws:s3:::images"},
		"https://s3.amazonaws.com/images/a":                                                            {"arn:aws:s3:::images"},
		`{"in":"arn:aws:sqs:eu-west-1:123456789012:in","out":"s3://images","key":"v3ry.s3cret.t0ken"}`: {"arn:aws:s3:::images", "arn:aws:sqs:eu-west-1:123456789012:in"},
		// Hosts.
		"postgres://app:pw@db.internal.example.com:5432/orders?sslmode=require": {"db.internal.example.com"},
		"redis://:pw@cache.abc.euw1.cache.amazonaws.com:6379":                   {"cache.abc.euw1.cache.amazonaws.com"},
		"jdbc:postgresql://10.0.3.4:5432/orders?user=app&password=pw":           {"10.0.3.4"},
		"jdbc:sqlserver://sql.corp.example.com:1433;databaseName=x;password=pw": {"sql.corp.example.com"},
		"jdbc:oracle:thin:app/pw@ora.example.com:1521:ORCL":                     {"ora.example.com"},
		"app:pw@tcp(db.example.com:3306)/orders":                                {"db.example.com"},
		"host=db.example.com port=5432 user=app password=pw":                    {"db.example.com"},
		"Server=tcp:sql.example.com,1433;Database=x;User Id=a;Password=pw;":     {"sql.example.com"},
		"b-1.msk.abc.c2.kafka.eu-west-1.amazonaws.com:9096,b-2.msk.abc.c2.kafka.eu-west-1.amazonaws.com:9096": {
			"b-1.msk.abc.c2.kafka.eu-west-1.amazonaws.com", "b-2.msk.abc.c2.kafka.eu-west-1.amazonaws.com",
		},
		"db.cluster-abc.eu-west-1.rds.amazonaws.com": {"db.cluster-abc.eu-west-1.rds.amazonaws.com"},
		"10.1.2.3":                           {"10.1.2.3"},
		"10.1.2.3:6379":                      {"10.1.2.3"},
		"http://[fd00::12]:8080/x":           {"fd00::12"},
		"https://API.Example.com/v1?token=t": {"api.example.com"},
		"service.internal":                   {"service.internal"},
		// Neither.
		"": nil, "orders": nil, "true": nil, "5432": nil, "eu-west-1": nil, "1.2.3": nil, "127.0.0.1": nil, "http://localhost:8080": nil,
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U": nil,
		"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":            nil,
		"someone@example.com": nil, "user.name:hunter2": nil, "user.name:1234": nil,
		"first.last:443x": nil, "-----BEGIN RSA PRIVATE KEY-----": nil,
		// A password that is not escaped: no telling where the host begins.
		"postgres://app:p@ss/word@db.example.com/x": nil, "postgres://app:p/w@db.example.com/x": nil, "postgres://app.user:12,b@db.example.com/x": nil,
		"postgres://app.user:12 b@db.example.com/x": nil, "postgres://app.user:1#b@db.example.com": nil, "s3://key.id:1/x@images/": nil,
	} {
		if diff := cmp.Diff(want, recognise(value, "aws"), cmpopts.EquateEmpty(), cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
}

// Whatever a secret is made of and wherever in the usual shapes it stands,
// nothing of it is recognised as a reference.
func TestSecretsAreNotRecognised(t *testing.T) {
	t.Parallel()
	const letters = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&*+,-./:;<=>?@[]^_{|}~ "'()\`
	shapes := []string{
		"%", "key=%", `{"password":"%"}`, "postgres://app:%@db.example.com:5432/x", "postgres://app:%@10.0.0.1/x?a=b", "https://h.example.com/%", "https://h.example.com/?t=%",
		"https://%@h.example.com/", "app:%@tcp(db.example.com:3306)/x", "host=db.example.com password=%", "Server=db.example.com;Password=%;", "Password=%;Server=db.example.com",
		"jdbc:oracle:thin:app/%@ora.example.com:1521:X", "arn:aws:sqs:eu-west-1:123456789012:q;%", "https://sqs.eu-west-1.amazonaws.com/123456789012/q?x=%", "s3://bucket/%",
		"amqps://user:%@b-1.mq.eu-west-1.amazonaws.com:5671,amqps://user:%@b-2.mq.eu-west-1.amazonaws.com:5671", "Bearer %", "redis://:%@cache.example.com",
	}
	random := rand.New(rand.NewPCG(1, 2))
	recognised := 0
	for range 20_000 {
		secret := make([]byte, 10+random.IntN(20))
		for i := range secret {
			secret[i] = letters[random.IntN(len(letters))]
		}
		value := strings.ReplaceAll(shapes[random.IntN(len(shapes))], "%", string(secret))
		for _, reference := range recognise(value, "aws") {
			recognised++
			for i := 0; i+6 <= len(secret); i++ {
				part := strings.ToLower(string(secret[i : i+6]))
				if strings.Contains(strings.ToLower(reference), part) {
					t.Fatalf("%q yields %q, which holds %q of the secret", value, reference, part)
				}
			}
		}
	}
	if recognised < 2_000 {
		t.Errorf("only %d references in all: the shapes are not read at all", recognised)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	names, references := environment(map[string]string{
		"B": "arn:aws:sqs:eu-west-1:123456789012:q", "A": "https://sqs.eu-west-1.amazonaws.com/123456789012/q", "C": "x",
	}, "aws")
	if diff := cmp.Diff([]string{"A", "B", "C"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"arn:aws:sqs:eu-west-1:123456789012:q"}, references); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	many := strings.Builder{}
	for i := range 500 {
		many.WriteString("10.0." + string(rune('0'+i/100)) + "." + string(rune('0'+i%10)) + string(rune('0'+i/10%10)) + " ")
	}
	if _, references := environment(map[string]string{"MANY": many.String()}, "aws"); len(references) > mostReferences {
		t.Errorf("%d references", len(references))
	}
}
