package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/collect"
)

// sample is a suite small enough to see every setting of.
var sample = Suites{
	Collectors: []*collect.Collector{{
		Name: "sample", Every: time.Hour,
		Params: []collect.Param{{Name: "limit", Default: int64(3)}, {Name: "names", Default: []string{}}},
	}},
	Analyzers: []*analysis.Analyzer{{
		Name: "sample", Severity: analysis.Low,
		Params: []analysis.Param{
			{Name: "ratio", Kind: analysis.Number, Default: 0.1, Max: 1},
			{Name: "quiet", Kind: analysis.Length, Default: time.Hour},
		},
	}},
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(list) == 0 {
		t.Fatalf("no testdata matches %s: %v", pattern, err)
	}
	return list
}

func TestGoodFiles(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "*.ok.yml") {
		if _, err := Load(file, sample); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "*.bad.yml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Load(file, sample)
		if err == nil {
			t.Errorf("%s: accepted", file)
			continue
		}
		wanted := 0
		for line := range strings.Lines(string(text)) {
			if want, ok := strings.CutPrefix(line, "# want: "); ok {
				wanted++
				if !strings.Contains(err.Error(), strings.TrimSpace(want)) {
					t.Errorf("%s: the error lacks %q:\n%v", file, strings.TrimSpace(want), err)
				}
			}
		}
		if wanted == 0 {
			t.Errorf("%s says nothing of what it wants", file)
		}
	}
}

func TestFullFile(t *testing.T) {
	t.Parallel()
	c, err := Load(filepath.Join("testdata", "full.ok.yml"), sample)
	if err != nil {
		t.Fatal(err)
	}
	collector, err := CollectorSettings(c, sample.Collectors[0])
	if err != nil {
		t.Fatal(err)
	}
	want := Collector{Enabled: false, Every: 2 * time.Hour, Params: map[string]any{"limit": int64(7), "names": []string{"a", "b"}}}
	if diff := cmp.Diff(want, collector); diff != "" {
		t.Errorf("collector settings (-want +got):\n%s", diff)
	}
	analyzer, err := AnalyzerSettings(c, sample.Analyzers[0])
	if err != nil {
		t.Fatal(err)
	}
	wantAnalyzer := Analyzer{Enabled: true, Severity: analysis.High, Params: map[string]any{"ratio": 0.2, "quiet": 90 * time.Minute}}
	if diff := cmp.Diff(wantAnalyzer, analyzer); diff != "" {
		t.Errorf("analyzer settings (-want +got):\n%s", diff)
	}
	if got := time.Duration(c.AWS.Lookback); got != 14*24*time.Hour {
		t.Errorf("lookback is %v", got)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	c, err := Load(filepath.Join("testdata", "full.ok.yml"), sample)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", *c), fmt.Sprintf("%#v", *c)} {
		for _, secret := range []string{"hunter2", "shared-secret"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s leaks in %s", secret, text)
			}
		}
	}
}

func TestEmbeddedPathIsRelativeToTheFile(t *testing.T) {
	t.Parallel()
	c, err := Load(filepath.Join("testdata", "empty.ok.yml"), sample)
	if err != nil {
		t.Fatal(err)
	}
	if want := "embedded:" + filepath.Join("testdata", "data"); string(c.Store.DSN) != want {
		t.Errorf("dsn is %q, want %q", string(c.Store.DSN), want)
	}
}

func TestPasswordFileIsRelativeToTheFile(t *testing.T) {
	t.Parallel()
	c, err := Load(filepath.Join("testdata", "password_file.ok.yml"), sample)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join("testdata", "secrets", "writer.txt"); c.Store.PasswordFile != want {
		t.Errorf("the password file is %q, want %q", c.Store.PasswordFile, want)
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"90s": "1m30s", "10s": "10s", "15m": "15m", "6h": "6h", "36h": "36h", "720h": "30d", "30d": "30d", "1h30m": "1h30m"} {
		d, err := ParseDuration(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := Duration(d).String(); got != want {
			t.Errorf("%s prints as %s, want %s", text, got, want)
		}
	}
}

func TestDefaultsSurviveAPartialFile(t *testing.T) {
	t.Parallel()
	c, err := Load(filepath.Join("testdata", "partial.ok.yml"), sample)
	if err != nil {
		t.Fatal(err)
	}
	d := Default()
	if c.Log.Format != d.Log.Format || c.Web.Listen != d.Web.Listen || c.AWS.RateHeadroom != d.AWS.RateHeadroom || len(c.AWS.Accounts) != 1 {
		t.Errorf("a partial file loses defaults: %+v", *c)
	}
	if c.Log.Level != "debug" || len(c.AWS.Regions) != 1 {
		t.Errorf("a partial file is not read: %+v", *c)
	}
}

func TestEnabledCollectorsNeedOnlyTheirActions(t *testing.T) {
	t.Parallel()
	item := &collect.Collector{
		Name: "sample", Every: time.Hour, Params: []collect.Param{{Name: "deep", Default: true}},
		Actions: []collect.Action{{Name: "lambda:ListFunctions"}, {Name: "lambda:GetFunction", With: "deep"}},
	}
	for _, tt := range []struct {
		settings map[string]any
		want     int
	}{{nil, 2}, {map[string]any{"deep": false}, 1}} {
		c := Default()
		c.Collectors = map[string]map[string]any{"sample": tt.settings}
		got, err := EnabledCollectors(c, []*collect.Collector{item})
		if err != nil || len(got) != 1 || len(got[0].Actions) != tt.want {
			t.Errorf("%v: %+v, %v; want %d actions", tt.settings, got, err, tt.want)
		}
	}
	if len(item.Actions) != 2 {
		t.Error("the suite's own value was changed")
	}
}
