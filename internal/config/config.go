// Package config reads faaswarden.yml: strict keys, defaults first, and every
// fault reported with its path and its remedy.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/collect"
)

// Config is the whole of faaswarden.yml. The zero value of a field means its default.
type Config struct {
	Store      Store                     `yaml:"store"`
	Web        Web                       `yaml:"web"`
	Log        Log                       `yaml:"log"`
	AWS        AWS                       `yaml:"aws"`
	Analysis   Analysis                  `yaml:"analysis"`
	Metrics    Metrics                   `yaml:"metrics"`
	Collectors map[string]map[string]any `yaml:"collectors"`
	Analyzers  map[string]map[string]any `yaml:"analyzers"`
}

// Store says where rows are kept.
type Store struct {
	DSN          Secret              `yaml:"dsn"`           // embedded:PATH, clickhouse://…, https://…
	PasswordFile string              `yaml:"password_file"` // holds the password of DSN's user; read when the store is opened
	Cluster      string              `yaml:"cluster"`       // name in system.clusters; empty for a single server
	Retention    map[string]Duration `yaml:"retention"`     // by schema.Retention's key; see Config.Retention for what is left out
}

// Web is the listener of /metrics, / and the health endpoints.
type Web struct {
	Listen     string `yaml:"listen"`
	ConfigFile string `yaml:"config_file"` // exporter-toolkit web configuration: TLS and basic auth
}

// Log sets verbosity and form.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json
}

// AWS says what to read, as whom, and how gently.
type AWS struct {
	Accounts               []Account          `yaml:"accounts"`
	Organization           Organization       `yaml:"organization"`
	Regions                []string           `yaml:"regions"` // or [all]: every region that an account has enabled
	Refresh                Duration           `yaml:"refresh"` // how often accounts and regions are looked up again
	RateHeadroom           float64            `yaml:"rate_headroom"`
	APIBudgetUSDPerMonth   float64            `yaml:"api_budget_usd_per_month"`
	APIBudgetUSDPerService map[string]float64 `yaml:"api_budget_usd_per_service"` // by IAM prefix: ce, cloudwatch, logs
	Lookback               Duration           `yaml:"lookback"`
	Concurrency            int                `yaml:"concurrency"`
}

// Organization finds accounts with AWS Organizations, asked from its management
// account or a delegated administrator's: the account of the standard
// credential chain, the profile or the role.
type Organization struct {
	RoleName   string   `yaml:"role_name"` // assumed in every other account; empty: none are looked for
	ExternalID Secret   `yaml:"external_id"`
	Profile    string   `yaml:"profile"`
	RoleARN    string   `yaml:"role_arn"`
	Only       []string `yaml:"only"`    // account ids; empty: all active ones
	Exclude    []string `yaml:"exclude"` // account ids
}

// Ceilings are what AWS API calls may cost in a month.
func (a AWS) Ceilings() collect.Ceilings {
	return collect.Ceilings{USD: a.APIBudgetUSDPerMonth, ServiceUSD: a.APIBudgetUSDPerService}
}

// AllRegions stands in a list of regions for every region of the account.
const AllRegions = "all"

// Account is one AWS account, reached by the standard credential chain, a
// profile, or a role assumed from either.
type Account struct {
	Name       string   `yaml:"name"`
	Profile    string   `yaml:"profile"`
	RoleARN    string   `yaml:"role_arn"`
	ExternalID Secret   `yaml:"external_id"`
	Regions    []string `yaml:"regions"`
}

// Analysis says how far back and how often analyzers look.
type Analysis struct {
	Window    Duration `yaml:"window"`
	Every     Duration `yaml:"every"`
	OwnerTags []string `yaml:"owner_tags"`
}

// Metrics bounds how many series /metrics shows.
type Metrics struct {
	TopFunctions int      `yaml:"top_functions"` // functions with series of their own, by cost; the rest are summed as "other"
	TopFindings  int      `yaml:"top_findings"`  // the same for findings
	TagLabels    []string `yaml:"tag_labels"`    // tag keys that become labels of faaswarden_function_tags_info
	SeriesBudget int      `yaml:"series_budget"` // series of all metrics together
}

// Suites are the collectors and analyzers whose settings a config may hold.
type Suites struct {
	Collectors []*collect.Collector
	Analyzers  []*analysis.Analyzer
}

// Default is the configuration of an empty file.
func Default() *Config {
	return &Config{
		Store: Store{DSN: "embedded:./data"},
		Web:   Web{Listen: "127.0.0.1:9847"},
		Log:   Log{Level: "info", Format: "text"},
		AWS: AWS{
			Accounts:     []Account{{}},
			Organization: Organization{Only: []string{}, Exclude: []string{}}, APIBudgetUSDPerService: map[string]float64{},
			Refresh:      Duration(time.Hour),
			RateHeadroom: 0.5, APIBudgetUSDPerMonth: 25,
			Lookback: Duration(30 * 24 * time.Hour), Concurrency: 16,
		},
		Analysis: Analysis{
			Window: Duration(30 * 24 * time.Hour), Every: Duration(time.Hour),
			OwnerTags: []string{"owner", "Owner", "team"},
		},
		Metrics: Metrics{TopFunctions: 50, TopFindings: 100, TagLabels: []string{}, SeriesBudget: 20_000},
	}
}

// Load reads a file and validates it. Relative paths in it are relative to it.
func Load(path string, suites Suites) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w (an example is deploy/config.example.yml)", err)
	}
	c, err := Parse(text, suites)
	if err != nil {
		return nil, fmt.Errorf("config %s: %w", path, err)
	}
	c.resolve(filepath.Dir(path))
	return c, nil
}

// Parse reads and validates a configuration's text.
func Parse(text []byte, suites Suites) (*Config, error) {
	c := Default()
	if blank(text) {
		return c, c.Validate(suites) // the decoder would zero the defaults
	}
	dec := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := dec.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w\nremedy: see deploy/config.example.yml for every key and its type", err)
	}
	if err := c.Validate(suites); err != nil {
		return nil, err
	}
	return c, nil
}

// blank reports whether a YAML text holds nothing but comments.
func blank(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// resolve makes the embedded store's and the named files' paths relative to the config's folder.
func (c *Config) resolve(dir string) {
	if path, ok := strings.CutPrefix(string(c.Store.DSN), "embedded:"); ok && !filepath.IsAbs(path) {
		c.Store.DSN = Secret("embedded:" + filepath.Join(dir, path))
	}
	for _, file := range []*string{&c.Store.PasswordFile, &c.Web.ConfigFile} {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(dir, *file)
		}
	}
}

var (
	accountPattern  = regexp.MustCompile(`^\d{12}$`)
	roleNamePattern = regexp.MustCompile(`^([\w+=,.@-]+/)*[\w+=,.@-]{1,64}$`)
	regionPattern   = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	rolePattern     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/.+$`)
)

// Validate reports every fault, each with its path and remedy.
func (c *Config) Validate(suites Suites) error {
	f := &faults{}
	f.check(c.Store.DSN != "", "store.dsn", "is empty", "give embedded:PATH, clickhouse://HOST:9000 or https://HOST:8443")
	c.validatePassword(f)
	_, _, err := net.SplitHostPort(c.Web.Listen)
	f.check(err == nil, "web.listen", fmt.Sprintf("is %q", c.Web.Listen), "give HOST:PORT, such as 127.0.0.1:9847")
	f.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	f.oneOf("log.format", c.Log.Format, "text", "json")
	f.check(c.AWS.RateHeadroom > 0 && c.AWS.RateHeadroom <= 1, "aws.rate_headroom", fmt.Sprintf("is %v", c.AWS.RateHeadroom), "give the share of AWS's request quotas to use, above 0 and at most 1")
	f.check(c.AWS.APIBudgetUSDPerMonth >= 0, "aws.api_budget_usd_per_month", fmt.Sprintf("is %v", c.AWS.APIBudgetUSDPerMonth), "give USD, or 0 to make no priced call at all")
	f.check(c.AWS.Concurrency >= 1 && c.AWS.Concurrency <= 64, "aws.concurrency", fmt.Sprintf("is %d", c.AWS.Concurrency), "give 1 to 64 scopes collected at once")
	f.between("aws.refresh", c.AWS.Refresh, time.Minute, 24*time.Hour)
	c.validateCeilings(f)
	f.between("aws.lookback", c.AWS.Lookback, time.Hour, 455*24*time.Hour)
	f.between("analysis.window", c.Analysis.Window, 24*time.Hour, 455*24*time.Hour)
	f.between("analysis.every", c.Analysis.Every, time.Minute, 7*24*time.Hour)
	c.validateMetrics(f)
	c.validateRetention(f)
	c.validateAccounts(f)
	c.validateCollectors(f, suites.Collectors)
	c.validateAnalyzers(f, suites.Analyzers)
	return errors.Join(f.list...)
}

func (c *Config) validateMetrics(f *faults) {
	m := c.Metrics
	f.check(m.TopFunctions >= 1 && m.TopFunctions <= 100_000, "metrics.top_functions", fmt.Sprintf("is %d", m.TopFunctions), "give 1 to 100000 functions")
	f.check(m.TopFindings >= 1 && m.TopFindings <= 100_000, "metrics.top_findings", fmt.Sprintf("is %d", m.TopFindings), "give 1 to 100000 findings")
	f.check(m.SeriesBudget >= minSeries && m.SeriesBudget <= 2_000_000, "metrics.series_budget", fmt.Sprintf("is %d", m.SeriesBudget), fmt.Sprintf("give %d to 2000000 series", minSeries))
	f.check(len(m.TagLabels) <= maxTagLabels, "metrics.tag_labels", fmt.Sprintf("names %d tag keys", len(m.TagLabels)), fmt.Sprintf("give at most %d", maxTagLabels))
	seen := map[string]string{}
	for i, key := range m.TagLabels {
		path, label := fmt.Sprintf("metrics.tag_labels[%d]", i), TagLabel(key)
		f.check(strings.TrimSpace(key) != "", path, "is empty", "give a tag key")
		other, taken := seen[label]
		f.check(!taken, path, fmt.Sprintf("is %q, which becomes the label %s as %q does", key, label, other), "leave one of them out")
		seen[label] = key
	}
}

const (
	// minSeries is room for what is shown of no single function or finding.
	minSeries    = 1000
	maxTagLabels = 20
)

var labelUnfit = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// TagLabel is the metric label of a tag key.
func TagLabel(key string) string { return "tag_" + labelUnfit.ReplaceAllString(key, "_") }

// validatePassword refuses a password file that would not be used, or that
// contradicts the address.
func (c *Config) validatePassword(f *faults) {
	if c.Store.PasswordFile == "" {
		return
	}
	const path = "store.password_file"
	dsn := string(c.Store.DSN)
	f.check(!strings.HasPrefix(dsn, "embedded:"), path, "is set for an embedded store", "remove it: the embedded store has no password")
	if address, err := url.Parse(dsn); err == nil {
		_, both := address.User.Password()
		f.check(!both, path, "is set beside a password in store.dsn", "keep the user name alone in store.dsn: clickhouse://USER@HOST:9000/DATABASE")
	}
}

func (c *Config) validateAccounts(f *faults) {
	f.check(len(c.AWS.Accounts) > 0, "aws.accounts", "is an empty list", "leave it out for the credentials' own account")
	for i, a := range c.AWS.Accounts {
		path := fmt.Sprintf("aws.accounts[%d]", i)
		f.check(a.RoleARN == "" || rolePattern.MatchString(a.RoleARN), path+".role_arn", fmt.Sprintf("is %q", a.RoleARN), "give arn:aws:iam::ACCOUNT:role/NAME")
		f.check(a.ExternalID == "" || a.RoleARN != "", path+".external_id", "is set without role_arn", "add role_arn or remove external_id")
		f.regions(path+".regions", a.Regions)
	}
	f.regions("aws.regions", c.AWS.Regions)
	c.validateOrganization(f)
}

func (c *Config) validateOrganization(f *faults) {
	o := c.AWS.Organization
	const path = "aws.organization"
	if o.RoleName == "" {
		none := o.ExternalID == "" && o.Profile == "" && o.RoleARN == "" && len(o.Only)+len(o.Exclude) == 0
		f.check(none, path+".role_name", "is empty", "name the role to assume in every account, or remove aws.organization")
		return
	}
	f.check(roleNamePattern.MatchString(o.RoleName), path+".role_name", fmt.Sprintf("is %q", o.RoleName), "give the role's name, with its path when it has one, not its ARN")
	f.check(o.RoleARN == "" || rolePattern.MatchString(o.RoleARN), path+".role_arn", fmt.Sprintf("is %q", o.RoleARN), "give arn:aws:iam::ACCOUNT:role/NAME")
	for key, ids := range map[string][]string{"only": o.Only, "exclude": o.Exclude} {
		for i, id := range ids {
			f.check(accountPattern.MatchString(id), fmt.Sprintf("%s.%s[%d]", path, key, i), fmt.Sprintf("is %q", id), "give a 12-digit account id in quotes")
		}
	}
	for _, id := range o.Only {
		f.check(!slices.Contains(o.Exclude, id), path+".exclude", "names "+id+" as only does", "leave it out of one of them")
	}
}

func (c *Config) validateCeilings(f *faults) {
	for _, service := range slices.Sorted(maps.Keys(c.AWS.APIBudgetUSDPerService)) {
		path, usd := "aws.api_budget_usd_per_service."+service, c.AWS.APIBudgetUSDPerService[service]
		priced := collect.PricedServices()
		f.check(slices.Contains(priced, service), path, "is no service whose calls cost anything", "use one of "+strings.Join(priced, ", "))
		f.check(usd >= 0, path, fmt.Sprintf("is %v", usd), "give USD, or 0 to make no priced call of the service")
	}
}

func (c *Config) validateCollectors(f *faults, suite []*collect.Collector) {
	names := make([]string, len(suite))
	for i, item := range suite {
		names[i] = item.Name
	}
	f.known("collectors", c.Collectors, names)
	for _, item := range suite {
		_, err := CollectorSettings(c, item)
		f.add(err)
	}
}

func (c *Config) validateAnalyzers(f *faults, suite []*analysis.Analyzer) {
	names := make([]string, len(suite))
	for i, item := range suite {
		names[i] = item.Name
	}
	f.known("analyzers", c.Analyzers, names)
	for _, item := range suite {
		_, err := AnalyzerSettings(c, item)
		f.add(err)
	}
}

// faults gathers what is wrong.
type faults struct{ list []error }

func (f *faults) add(err error) {
	if err != nil {
		f.list = append(f.list, err)
	}
}

func (f *faults) check(ok bool, path, what, remedy string) {
	if !ok {
		f.add(fmt.Errorf("%s %s; remedy: %s", path, what, remedy))
	}
}

func (f *faults) oneOf(path, value string, allowed ...string) {
	f.check(slices.Contains(allowed, value), path, fmt.Sprintf("is %q", value), "use one of "+strings.Join(allowed, ", "))
}

func (f *faults) between(path string, d Duration, low, high time.Duration) {
	v := time.Duration(d)
	f.check(v >= low && v <= high, path, "is "+d.String(), fmt.Sprintf("give a duration between %s and %s", Duration(low), Duration(high)))
}

func (f *faults) regions(path string, regions []string) {
	if len(regions) == 1 && regions[0] == AllRegions {
		return
	}
	for i, r := range regions {
		f.check(regionPattern.MatchString(r), fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("is %q", r), "give a region code such as eu-west-1, or the list [all]")
	}
}

func (f *faults) known(path string, section map[string]map[string]any, names []string) {
	for _, name := range slices.Sorted(maps.Keys(section)) {
		f.check(slices.Contains(names, name), path+"."+name, "is unknown", "use one of "+strings.Join(names, ", "))
	}
}
