package awssim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// operations adds what watches, deploys and inspects the functions. Every
// function draws from a stream of its own, so what it has does not depend on the
// others; nothing that was generated before changes.
func (b *builder) operations() {
	for i, s := range b.sites {
		o := operationsOf{site: s, first: i == 0, apps: map[string]*Application{}}
		o.groups()
		for _, f := range b.builds {
			if f.site == s {
				o.watch(f)
				o.deploy(f)
				o.inspect(f)
			}
		}
		o.shared()
		o.order()
	}
}

// operationsOf builds one region's operations.
type operationsOf struct {
	*site
	first bool // the region where the account has what it has once
	apps  map[string]*Application
}

// random is a function's or log group's stream for one purpose.
func (o operationsOf) random(name, purpose string) *rand.Rand {
	return newRand(streamKey(o.w.Seed, o.region.Name, name, "operations", purpose), 0)
}

// alerts is a topic of the organisation's monitoring account.
func (o operationsOf) alerts() string {
	return fmt.Sprintf("arn:%s:sns:%s:%s:acme-alerts", o.w.Partition, o.region.Name, monitoringAccount)
}

const monitoringAccount = "999988887777"

// groups settles encryption, data protection and forwarding of log groups.
func (o operationsOf) groups() {
	r := o.region
	r.GroupSettings = map[string]GroupSettings{}
	for _, g := range r.groups {
		rr := o.random(g.Name, "group")
		settings := GroupSettings{Inherited: o.first}
		if rr.Float64() < 0.1 {
			settings.KMSKeyARN = o.arn("kms", "key/"+uuidOf(o.w.Seed, r.Name, "logs key"))
		}
		if rr.Float64() < 0.05 {
			settings.DataProtection = pick(rr, "ACTIVATED", "ACTIVATED", "DISABLED")
		}
		if settings != (GroupSettings{}) {
			r.GroupSettings[g.Name] = settings
		}
		if rr.Float64() < 0.12 {
			r.SubscriptionFilters = append(r.SubscriptionFilters, &SubscriptionFilter{
				Name: "central", LogGroup: g.Name, CreatedAt: g.CreatedAt.Add(time.Hour),
				Destination: fmt.Sprintf("arn:%s:logs:%s:%s:destination:central", o.w.Partition, r.Name, monitoringAccount),
			})
		}
	}
}

// metricAlarm is an alarm of a function's metric, or of any other.
func (o operationsOf) metricAlarm(rr *rand.Rand, name string, m *AlarmMetric, threshold float64) *Alarm {
	since := o.w.Now.Add(-time.Duration(between(rr, 2, 400)) * time.Hour)
	a := &Alarm{
		Name: name, ARN: o.arn("cloudwatch", "alarm:"+name), Metric: m, Threshold: threshold, Comparison: "GreaterThanThreshold", PeriodS: 300,
		Evaluation: 3, Datapoints: pick(rr, 0, 2, 3), TreatMissing: pick(rr, "", "notBreaching", "notBreaching"), ActionsEnabled: rr.Float64() < 0.9,
		State: pick(rr, "OK", "OK", "OK", "OK", "OK", "OK", "INSUFFICIENT_DATA", "ALARM"), StateSince: since,
		ConfiguredAt: o.w.Now.AddDate(0, 0, -around(rr, 20, 500)),
	}
	if rr.Float64() < 0.85 {
		a.Actions = []string{o.alerts()}
		a.OKActions = pick(rr, nil, []string{o.alerts()})
	}
	o.region.Alarms = append(o.region.Alarms, a)
	return a
}

func lambdaMetric(name, stat string, f *build) *AlarmMetric {
	return &AlarmMetric{Namespace: "AWS/Lambda", Name: name, Dims: map[string]string{"FunctionName": f.Name}, Stat: stat}
}

// watch gives some functions alarms, of every kind.
func (o operationsOf) watch(f *build) {
	rr := o.random(f.Name, "alarms")
	errors, throttles := rr.Float64() < 0.3, rr.Float64() < 0.15
	if errors {
		o.metricAlarm(rr, f.Name+"-errors", lambdaMetric("Errors", "Sum", f), 5)
	}
	if throttles {
		o.metricAlarm(rr, f.Name+"-throttles", lambdaMetric("Throttles", "Sum", f), 0)
	}
	if errors && throttles {
		a := o.metricAlarm(rr, f.Name+"-health", nil, 0)
		a.Rule = fmt.Sprintf(`ALARM("%s-errors") OR ALARM("%s-throttles")`, f.Name, f.Name)
	}
	if rr.Float64() < 0.1 {
		a := o.metricAlarm(rr, f.Name+"-duration", lambdaMetric("Duration", "p99", f), float64(800*f.TimeoutS))
		a.Comparison = "GreaterThanOrEqualToThreshold"
	}
	if rr.Float64() < 0.08 {
		a := o.metricAlarm(rr, f.Name+"-error-rate", nil, 2)
		a.Queries = []AlarmQuery{
			{ID: "errors", Metric: lambdaMetric("Errors", "Sum", f), PeriodS: 300},
			{ID: "invocations", Metric: lambdaMetric("Invocations", "Sum", f), PeriodS: 300},
			{ID: "rate", Expression: "100 * errors / invocations", Returns: true},
		}
	}
	if rr.Float64() < 0.05 {
		o.anomaly(rr, f)
	}
	if queue := queueName(f.DLQARN); queue != "" && rr.Float64() < 0.5 {
		o.metricAlarm(rr, f.Name+"-dead-letters", &AlarmMetric{
			Namespace: "AWS/SQS", Name: "ApproximateNumberOfMessagesVisible", Dims: map[string]string{"QueueName": queue}, Stat: "Maximum",
		}, 0)
	}
	o.filter(rr, f)
}

// queueName is the name of a queue, "" for other ARNs and none.
func queueName(arn string) string {
	if !strings.Contains(arn, ":sqs:") {
		return ""
	}
	return arn[strings.LastIndex(arn, ":")+1:]
}

// anomaly watches the function's traffic for what is out of its usual band.
func (o operationsOf) anomaly(rr *rand.Rand, f *build) {
	m := lambdaMetric("Invocations", "Sum", f)
	a := o.metricAlarm(rr, f.Name+"-traffic", nil, 0)
	a.ThresholdID, a.Comparison = "band", "LessThanLowerOrGreaterThanUpperThreshold"
	a.Queries = []AlarmQuery{
		{ID: "m1", Metric: m, PeriodS: 300, Returns: true},
		{ID: "band", Expression: "ANOMALY_DETECTION_BAND(m1, 2)", Returns: true},
	}
	o.region.AnomalyDetectors = append(o.region.AnomalyDetectors, &AnomalyDetector{
		ID: uuidOf(o.w.Seed, f.ARN, "detector"), Metric: m, State: pick(rr, "TRAINED", "TRAINED", "TRAINED", "PENDING_TRAINING"),
	})
}

// filter counts the error lines of some functions' log groups.
func (o operationsOf) filter(rr *rand.Rand, f *build) {
	i := slices.IndexFunc(o.region.groups, func(g LogGroup) bool { return g.Name == f.LogGroup() })
	if i < 0 || rr.Float64() >= 0.08 {
		return // no group, or nobody counts
	}
	m := &MetricFilter{
		Name: f.Name + "-error-lines", LogGroup: f.LogGroup(), Pattern: "ERROR", Namespace: "Acme/Lambda", Metric: f.Name + "-error-lines",
		CreatedAt: o.region.groups[i].CreatedAt.Add(time.Hour),
	}
	o.region.MetricFilters = append(o.region.MetricFilters, m)
	if rr.Float64() < 0.5 {
		o.metricAlarm(rr, m.Name, &AlarmMetric{Namespace: m.Namespace, Name: m.Metric, Stat: "Sum"}, 10)
	}
}

// deploy gives most functions that have an alias a CodeDeploy deployment group,
// and deployments of the versions published in the history.
func (o operationsOf) deploy(f *build) {
	rr := o.random(f.Name, "deployments")
	if len(f.Aliases) == 0 || rr.Float64() >= 0.7 {
		return // traffic moves at once, by whoever moves it
	}
	name := f.team.name + "-" + f.env + "-ServerlessDeploymentApplication"
	app := o.apps[name]
	if app == nil {
		app = &Application{Name: name, ID: uuidOf(o.w.Seed, o.region.Name, name), Platform: "Lambda", CreatedAt: o.w.Now.AddDate(-1, -3, 0)}
		o.apps[name] = app
		o.region.Applications = append(o.region.Applications, app)
	}
	shifts := trafficShifts()
	g := &DeploymentGroup{
		Name: f.Name + "-DeploymentGroup", ID: uuidOf(o.w.Seed, f.ARN, "deployment group"), Config: shifts[rr.IntN(len(shifts))].config, function: f.Function,
		RoleARN: "arn:" + o.w.Partition + ":iam::" + o.w.Account + ":role/acme-codedeploy",
	}
	if rr.Float64() < 0.8 {
		g.RollbackEvents = []string{"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}
	}
	if slices.ContainsFunc(o.region.Alarms, func(a *Alarm) bool { return a.Name == f.Name+"-errors" }) {
		g.Alarms = []string{f.Name + "-errors"}
		g.IgnoreFailure = rr.Float64() < 0.2
	}
	if rr.Float64() < 0.3 {
		g.TriggerARN = o.alerts()
	}
	app.Groups = append(app.Groups, g)
	for i := 1; i < len(f.Versions); i++ {
		if at := f.Versions[i].LastModified; at.After(o.w.Start()) {
			o.shift(rr, app, g, f.Versions[i-1].Version, f.Versions[i].Version, at)
		}
	}
}

// shift deploys a version. Where alarms watch, a first attempt sometimes fails
// and is rolled back.
func (o operationsOf) shift(rr *rand.Rand, app *Application, g *DeploymentGroup, from, to string, at time.Time) {
	add := func(status, creator string, at time.Time, from, to string) *Deployment {
		d := &Deployment{
			ID: "d-" + strings.ToUpper(hexID(o.w.Seed, 9, g.ID, to, creator, at.String())), Application: app.Name, Group: g.Name, Config: g.Config, Platform: "Lambda",
			Status: status, Creator: creator, CreatedAt: at, CompletedAt: at.Add(time.Duration(around(rr, 60, 1900)) * time.Second), AppSpec: appSpec(g.function, from, to),
		}
		o.region.Deployments = append(o.region.Deployments, d)
		return d
	}
	if len(g.Alarms) > 0 && len(g.RollbackEvents) > 0 && rr.Float64() < 0.3 {
		failed := add("Failed", "CloudFormation", at.Add(time.Minute), from, to)
		failed.ErrorCode = "ALARM_ACTIVE"
		undone := add("Succeeded", "codeDeployRollback", failed.CompletedAt.Add(time.Second), to, from)
		failed.RolledBackBy, undone.RollbackOf = undone.ID, failed.ID
	}
	add("Succeeded", "CloudFormation", at.Add(2*time.Hour), from, to)
}

// appSpec says which alias moves from which version to which.
func appSpec(f *Function, from, to string) string {
	return fmt.Sprintf(`{"version":0.0,"Resources":[{"%s":{"Type":"AWS::Lambda::Function","Properties":`+
		`{"Name":"%s","Alias":"%s","CurrentVersion":"%s","TargetVersion":"%s"}}}],"Hooks":[]}`, f.Name, f.Name, f.Aliases[0].Name, from, to)
}

// inspect is what Amazon Inspector knows of a function, in the account's first
// region alone: it is not enabled elsewhere.
func (o operationsOf) inspect(f *build) {
	if !o.first || f.PackageType == "Image" { // images are scanned in their repository
		return
	}
	rr := o.random(f.Name, "inspection")
	c := Coverage{ResourceID: f.ARN + ":$LATEST", Function: f.Name, Runtime: inspectorRuntime(f.Runtime), ScanType: "PACKAGE", Status: "ACTIVE", Reason: "SUCCESSFUL"}
	c.ScannedAt = o.w.Now.Add(-time.Duration(around(rr, 1, 48)) * time.Hour)
	switch {
	case strings.HasPrefix(f.Runtime, "provided"):
		c.Status, c.Reason, c.ScannedAt = "INACTIVE", "UNSUPPORTED_RUNTIME", time.Time{}
	case rr.Float64() < 0.04:
		c.Status, c.Reason, c.ScannedAt = "INACTIVE", "EXCLUDED_BY_TAG", time.Time{}
	case f.load == nil && o.w.Now.Sub(f.LastModified) > 90*24*time.Hour:
		c.Status, c.Reason = "INACTIVE", "SCAN_ELIGIBILITY_EXPIRED"
	}
	o.region.Inspector.Coverage = append(o.region.Inspector.Coverage, &c)
	if c.Status != "ACTIVE" {
		return // what is not scanned has no findings
	}
	if hasPrefix(f.Runtime, "nodejs", "python", "java", "ruby", "dotnet") {
		code := c
		code.ScanType = "CODE"
		o.region.Inspector.Coverage = append(o.region.Inspector.Coverage, &code)
	}
	if rr.Float64() < 0.3 {
		n := &FindingCount{ResourceID: c.ResourceID, Function: f.Name, Critical: poisson(rr, 0.2), High: poisson(rr, 1), Medium: 1 + poisson(rr, 2)}
		n.Total = n.Critical + n.High + n.Medium + poisson(rr, 1)
		o.region.Inspector.Findings = append(o.region.Inspector.Findings, n)
	}
}

func hasPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// inspectorRuntime writes nodejs22.x as NODEJS_22_X.
func inspectorRuntime(runtime string) string {
	name := strings.TrimRight(runtime, "0123456789.x")
	if name == "" || strings.HasPrefix(runtime, "provided") {
		return "UNSUPPORTED"
	}
	return strings.ToUpper(name + "_" + strings.ReplaceAll(strings.TrimPrefix(runtime, name), ".", "_"))
}

// shared adds what the account has once: alarms over every function, a data
// protection policy, a sampling rule, an application that is no function's.
func (o operationsOf) shared() {
	r := o.region
	if !o.first {
		return // the other regions were forgotten, as they are
	}
	rr := o.random("", "region")
	o.metricAlarm(rr, "every-function-throttles", nil, 0).Queries = []AlarmQuery{{
		ID: "q1", Expression: `SELECT MAX(Throttles) FROM SCHEMA("AWS/Lambda", FunctionName)`, PeriodS: 300, Returns: true,
	}}
	o.metricAlarm(rr, "account-concurrency", &AlarmMetric{Namespace: "AWS/Lambda", Name: "ClaimedAccountConcurrency", Stat: "Maximum"}, 0.8*float64(r.ConcurrencyLimit))
	r.Inspector.Lambda, r.Inspector.LambdaCode = "ENABLED", "ENABLED"
	r.RaisedQuotas = map[string]float64{"L-9FEE3D26": 500}
	r.LogPolicies = []*LogPolicy{{
		Name: "account-data-protection", Type: "DATA_PROTECTION_POLICY", UpdatedAt: o.w.Now.AddDate(0, -5, 0),
		Document: `{"Name":"data-protection","Version":"2021-06-01","Statement":[{"Sid":"redact","DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/CreditCardNumber"],` +
			`"Operation":{"Deidentify":{"MaskConfig":{}}}}]}`,
	}}
	r.SamplingRules = []*SamplingRule{{
		Name: "checkout", ARN: o.arn("xray", "sampling-rule/checkout"), Priority: 100, Reservoir: 5, Rate: 0.5, Service: "checkout-*", Type: "AWS::Lambda::Function",
		Host: "*", Method: "*", Path: "*", Resource: "*", ModifiedAt: o.w.Now.AddDate(0, -8, 0),
	}}
	web := &Application{Name: "acme-web", ID: uuidOf(o.w.Seed, r.Name, "acme-web"), Platform: "Server", CreatedAt: o.w.Now.AddDate(-3, 0, 0)}
	web.Groups = []*DeploymentGroup{{Name: "fleet", ID: uuidOf(o.w.Seed, r.Name, "fleet"), Config: "CodeDeployDefault.OneAtATime"}}
	r.Applications = append(r.Applications, web)
	at := o.w.Now.Add(-20 * time.Hour)
	r.Deployments = append(r.Deployments, &Deployment{
		ID: "d-" + strings.ToUpper(hexID(o.w.Seed, 9, r.Name, "fleet")), Application: web.Name, Group: "fleet", Config: "CodeDeployDefault.OneAtATime",
		Platform: "Server", Status: "Succeeded", Creator: "user", CreatedAt: at, CompletedAt: at.Add(10 * time.Minute),
	})
}

// order sorts as AWS lists.
func (o operationsOf) order() {
	r := o.region
	by(r.Alarms, func(a *Alarm) string { return a.Name })
	by(r.AnomalyDetectors, func(d *AnomalyDetector) string { return d.ID })
	by(r.MetricFilters, func(f *MetricFilter) string { return f.LogGroup + " " + f.Name })
	by(r.SubscriptionFilters, func(f *SubscriptionFilter) string { return f.LogGroup })
	by(r.Applications, func(a *Application) string { return a.Name })
	for _, a := range r.Applications {
		by(a.Groups, func(g *DeploymentGroup) string { return g.Name })
	}
	slices.SortFunc(r.Deployments, func(a, b *Deployment) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	by(r.Inspector.Coverage, func(c *Coverage) string { return c.ResourceID + c.ScanType })
	by(r.Inspector.Findings, func(n *FindingCount) string { return n.ResourceID })
}
