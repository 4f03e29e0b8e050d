package collect

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const goodDoc = "# c\n\n## What it reads\nx\n\n## What it writes\nx\n\n## What it cannot see\nx\n\n## Cost\nx\n"

func good(name string) *Collector {
	return &Collector{
		Name: name, Title: "what it is", Doc: goodDoc, Writes: []string{name}, Scope: PerRegion, Every: time.Hour,
		Actions:  []Action{{Name: "lambda:List" + strings.ToUpper(name), Blinds: "everything"}},
		Estimate: func(Inventory) APICost { return APICost{} },
		Collect:  func(context.Context, *Run) error { return nil },
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(c *Collector)
		want  string
	}{
		{"whole", func(*Collector) {}, ""},
		{"name", func(c *Collector) { c.Name = "Big-Name" }, "name must match"},
		{"title", func(c *Collector) { c.Title = "A sentence." }, "title must be one clause without a full stop"},
		{"no collect", func(c *Collector) { c.Collect = nil }, "Collect is nil"},
		{"no estimate", func(c *Collector) { c.Estimate = nil }, "Estimate is nil"},
		{"scope", func(c *Collector) { c.Scope = "sometimes" }, `scope "sometimes" is not one of`},
		{"too often", func(c *Collector) { c.Every = time.Second }, "runs every 1s: must be a minute or more"},
		{"negative", func(c *Collector) { c.Overlap = -1 }, "must not be negative"},
		{"writes nothing", func(c *Collector) { c.Writes = nil }, "Writes is empty"},
		{"unknown table", func(c *Collector) { c.Writes = []string{"nowhere"} }, "writes nowhere, which the schema does not define"},
		{"reads what nobody writes", func(c *Collector) { c.Reads = []string{"queues"} }, "reads queues, which no collector writes"},
		{"no actions", func(c *Collector) { c.Actions = nil }, "Actions is empty"},
		{"wildcard action", func(c *Collector) { c.Actions[0].Name = "lambda:*" }, `action "lambda:*" must read service:Operation`},
		{"mutating action", func(c *Collector) { c.Actions[0].Name = "lambda:DeleteFunction" }, "changes something: collectors only read"},
		{"silent action", func(c *Collector) { c.Actions[0].Blinds = "" }, "does not say what its denial blinds"},
		{"action twice", func(c *Collector) { c.Actions = append(c.Actions, c.Actions[0]) }, "is listed twice"},
		{"parameter type", func(c *Collector) { c.Params = []Param{{Name: "n", Default: 3, Doc: "x"}} }, "default is a int"},
		{"parameter doc", func(c *Collector) { c.Params = []Param{{Name: "n", Default: true}} }, "needs a lower-case name and a Doc"},
		{"doc heading", func(c *Collector) { c.Doc = strings.Replace(goodDoc, "## Cost", "## Price", 1) }, `doc.md lacks the heading "## Cost"`},
		{"doc empty", func(c *Collector) { c.Doc = strings.Replace(goodDoc, "## Cost\nx", "## Cost\n", 1) }, `doc.md: "## Cost" is empty`},
		{"circle", func(c *Collector) { c.Reads = []string{"second"} }, "collectors first, second read each other's tables in a circle"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			first, second := good("first"), good("second")
			second.Reads = []string{"first"}
			tt.spoil(first)
			err := Validate([]*Collector{first, second}, []string{"first", "second", "queues"})
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("error: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
	if err := Validate([]*Collector{good("a"), good("a")}, []string{"a"}); err == nil || !strings.Contains(err.Error(), "collector a is listed twice") {
		t.Errorf("error: %v", err)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	a, b, c, d := good("alerts"), good("bills"), good("calls"), good("dogs")
	a.Reads = []string{"dogs"}
	b.Reads = []string{"bills", "alerts"}
	suite, err := Order([]*Collector{c, b, a, d})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, collector := range suite {
		names = append(names, collector.Name)
	}
	if diff := cmp.Diff([]string{"calls", "dogs", "alerts", "bills"}, names); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	a, b := good("a"), good("b")
	b.Actions = append(b.Actions, a.Actions[0])
	got, err := Policy([]*Collector{a, b})
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "FaaswardenRegions",
      "Effect": "Allow",
      "Action": [
        "ec2:DescribeRegions"
      ],
      "Resource": "*"
    },
    {
      "Sid": "FaaswardenA",
      "Effect": "Allow",
      "Action": [
        "lambda:ListA"
      ],
      "Resource": "*"
    },
    {
      "Sid": "FaaswardenB",
      "Effect": "Allow",
      "Action": [
        "lambda:ListB"
      ],
      "Resource": "*"
    }
  ]
}
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}
