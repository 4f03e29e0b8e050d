package functions

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mostReferences bounds what one function may leave behind.
const mostReferences = 100

// environment reads a function's variables: their names, and the resources
// that their values name. It is the only place where values are looked at, and
// what it returns of them matches the narrow shapes below: an ARN, or a host.
// When it is not certain where in a value a host ends and a secret begins, the
// value yields nothing.
func environment(variables map[string]string, partition string) (names, references []string) {
	for name, value := range variables {
		names = append(names, name)
		references = append(references, recognise(value, partition)...)
	}
	slices.Sort(names)
	slices.Sort(references)
	references = slices.Compact(references)
	return names, references[:min(len(references), mostReferences)]
}

func recognise(value, partition string) []string {
	references := arns(value)
	for _, host := range hosts(value) {
		if !awsAddress(host) {
			references = append(references, host)
		}
	}
	return append(references, addressed(value, partition)...)
}

// Resource shapes by service. Only what identifies a resource is kept, so an
// object's key is cut off its bucket, and nothing follows a queue's name.
var arnShapes = regexp.MustCompile(`\barn:aws(?:-[a-z]+)*:(?:` +
	`sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(?:\.fifo)?` +
	`|sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?` +
	`|s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]` +
	`|dynamodb:[a-z0-9-]+:\d{12}:table/[A-Za-z0-9_.-]{3,255}` +
	`|kinesis:[a-z0-9-]+:\d{12}:stream/[A-Za-z0-9_.-]{1,128}` +
	`|firehose:[a-z0-9-]+:\d{12}:deliverystream/[A-Za-z0-9_.-]{1,64}` +
	`|lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}` +
	`|states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_-]{1,80}` +
	`|events:[a-z0-9-]+:\d{12}:event-bus/[A-Za-z0-9_./-]{1,256}` +
	`|secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9_/.-]{1,256}` +
	`|rds:[a-z0-9-]+:\d{12}:(?:db|cluster|db-proxy):[A-Za-z0-9-]{1,63}` +
	`|elasticache:[a-z0-9-]+:\d{12}:(?:cluster|replicationgroup|serverlesscache):[A-Za-z0-9-]{1,50}` +
	`|es:[a-z0-9-]+:\d{12}:domain/[a-z0-9-]{3,28}` +
	`|kafka:[a-z0-9-]+:\d{12}:cluster/[A-Za-z0-9-]{1,64}/[a-f0-9-]{1,40}` +
	`|elasticfilesystem:[a-z0-9-]+:\d{12}:(?:file-system|access-point)/fs(?:ap)?-[a-f0-9]{8,40}` +
	`|execute-api:[a-z0-9-]+:\d{12}:[a-z0-9]{10}` +
	`)`)

func arns(value string) []string { return arnShapes.FindAllString(value, -1) }

var (
	// A DNS name of at least two labels, the last one alphabetic.
	dnsName = regexp.MustCompile(`^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
	// Names that are private or AWS's own and may stand alone in a value. Any
	// other dotted word may be a token, and is left.
	knownSuffix = regexp.MustCompile(`\.(?:amazonaws\.com|amazonaws\.com\.cn|on\.aws|api\.aws|aws\.dev|internal|local|lan|intranet|corp|private)$`)
	queueURL    = regexp.MustCompile(`^/(\d{12})/([A-Za-z0-9_-]{1,80}(?:\.fifo)?)$`)
	sqsHost     = regexp.MustCompile(`^(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com(?:\.cn)?$|^vpce-[a-z0-9-]+\.sqs\.([a-z0-9-]+)\.vpce\.amazonaws\.com(?:\.cn)?$`)
	s3Host      = regexp.MustCompile(`^(?:([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$`)
	bucketName  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	mysqlDSN    = regexp.MustCompile(`^[^@]*@tcp\(([^()@]+)\)/[^@]*$`)
	keyValueDSN = regexp.MustCompile(`(?i)(?:^|[;\s])(?:host|hostname|server|data source|addr|address)\s*=\s*(?:tcp:)?([^;,\s=@:]+)(?:[:,]\d{1,5})?(?:[;\s]|$)`)
	oracleThin  = regexp.MustCompile(`^jdbc:oracle:thin:[^@]*@(?://)?([^@:/]+)(?::\d{1,5})?(?:[:/][A-Za-z0-9_.-]*)?$`)
	scheme      = regexp.MustCompile(`^(?:jdbc:)?[a-z][a-z0-9+.-]*(?::[a-z]+)?://`)
)

// Ports that a bare host:port in a value is believed with.
var dataPorts = []int{
	22, 25, 80, 389, 443, 465, 587, 636, 1433, 1521, 2049, 2181, 2379, 3000, 3306, 4222, 5432, 5439, 5671, 5672, 6379, 6380, 8080, 8086,
	8123, 8182, 8443, 8883, 9000, 9042, 9092, 9093, 9094, 9096, 9098, 9142, 9200, 9300, 9440, 11211, 15672, 27017, 27018, 50051, 61614, 61617,
}

// hosts lists the host names and addresses that a value names as such.
func hosts(value string) []string {
	value = strings.TrimSpace(value)
	switch m := dsnHost(value); {
	case m != "":
		return keep(m)
	case strings.Contains(value, "@") && !scheme.MatchString(strings.ToLower(value)):
		return nil // somebody's credentials, in a shape we do not know
	}
	var found []string
	tokens := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'`,|<>(){}", r) })
	credentials := 0
	for _, token := range tokens {
		host, withCredentials, ok := tokenHost(token)
		if withCredentials {
			credentials++
		}
		if ok {
			found = append(found, keep(host)...)
		}
	}
	if strings.Count(value, "@") != credentials {
		return nil // a password with the separators in it has been cut up
	}
	return found
}

// dsnHost is the host of the connection strings that are no URLs.
func dsnHost(value string) string {
	if m := mysqlDSN.FindStringSubmatch(value); m != nil {
		host, _, _ := strings.Cut(m[1], ":")
		return host
	}
	if m := oracleThin.FindStringSubmatch(value); m != nil {
		return m[1]
	}
	if m := keyValueDSN.FindStringSubmatch(value); m != nil && !strings.Contains(value, "://") {
		return m[1]
	}
	return ""
}

// tokenHost is the host of one URL, host:port or well-known name.
func tokenHost(token string) (host string, withCredentials, ok bool) {
	lower := strings.ToLower(token)
	if prefix := scheme.FindString(lower); prefix != "" {
		host, withCredentials, ok = urlHost(token[len(prefix):])
		return host, withCredentials, ok && prefix != "s3://" && prefix != "s3a://"
	}
	if strings.Contains(token, "@") {
		return "", false, false
	}
	name, port, hasPort := strings.Cut(lower, ":")
	if hasPort {
		n, err := strconv.Atoi(port)
		return name, false, err == nil && slices.Contains(dataPorts, n) && name == token[:len(name)]
	}
	_, err := netip.ParseAddr(lower)
	return lower, false, err == nil || knownSuffix.MatchString(lower)
}

// urlHost is the host of what follows a URL's scheme. A "@" behind the first
// "/", "?", "#" or ";" may belong to a password that was not escaped; then
// there is no telling, and no host.
func urlHost(rest string) (host string, withCredentials, ok bool) {
	authority := rest
	if i := strings.IndexAny(rest, "/?#;\\"); i >= 0 {
		authority = rest[:i]
		if strings.Contains(rest[i:], "@") {
			return "", false, false
		}
	}
	if strings.Count(authority, "@") > 1 {
		return "", false, false
	}
	if _, after, found := strings.Cut(authority, "@"); found {
		authority, withCredentials = after, true
	}
	parsed, err := url.Parse("//" + authority)
	if err != nil || parsed.Hostname() == "" {
		return "", withCredentials, false
	}
	return strings.ToLower(parsed.Hostname()), withCredentials, true
}

// keep returns the host when it is a name or an address and nothing else.
func keep(host string) []string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.IsLoopback() || addr.IsUnspecified() {
			return nil
		}
		return []string{addr.WithZone("").String()}
	}
	if len(host) > 253 || !dnsName.MatchString(host) {
		return nil
	}
	return []string{host}
}

// awsAddress reports that a host is the address of a queue or bucket, which
// addressed keeps as the resource itself.
func awsAddress(host string) bool { return sqsHost.MatchString(host) || s3Host.MatchString(host) }

// addressed lists, as ARNs, the queues and buckets that a value names by URL.
func addressed(value, partition string) []string {
	var found []string
	for _, token := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'`,;|<>(){}", r) }) {
		parsed, err := url.Parse(token)
		if err != nil || parsed.Host == "" || strings.Contains(token, "@") {
			continue
		}
		host := strings.ToLower(parsed.Hostname())
		switch {
		case parsed.Scheme == "s3" || parsed.Scheme == "s3a":
			if bucketName.MatchString(parsed.Host) {
				found = append(found, "arn:"+partition+":s3:::"+parsed.Host)
			}
		case parsed.Scheme != "https" && parsed.Scheme != "http":
		case sqsHost.MatchString(host):
			m, path := sqsHost.FindStringSubmatch(host), queueURL.FindStringSubmatch(parsed.Path)
			if path != nil {
				found = append(found, "arn:"+partition+":sqs:"+m[1]+m[2]+m[3]+":"+path[1]+":"+path[2])
			}
		case s3Host.MatchString(host):
			bucket := s3Host.FindStringSubmatch(host)[1]
			if bucket == "" {
				bucket, _, _ = strings.Cut(strings.TrimPrefix(parsed.Path, "/"), "/")
			}
			if bucketName.MatchString(bucket) {
				found = append(found, "arn:"+partition+":s3:::"+bucket)
			}
		}
	}
	return found
}
