package deploy

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// node is an XML element, for files whose element names are names of things.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Inner    string     `xml:",innerxml"`
	Children []node     `xml:",any"`
}

// at is the element below n on a path, nil when there is none.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		i := slices.IndexFunc(n.Children, func(c node) bool { return c.XMLName.Local == name })
		if i < 0 {
			return nil
		}
		n = &n.Children[i]
	}
	return n
}

// value is the text of the element on a path, empty when there is none.
func (n *node) value(path ...string) string {
	if found := n.at(path...); found != nil {
		return strings.TrimSpace(found.Text)
	}
	return ""
}

// values are the texts of all elements of a name.
func (n *node) values(name string) []string {
	if n == nil {
		return nil
	}
	var list []string
	for _, c := range n.Children {
		if c.XMLName.Local == name {
			list = append(list, strings.TrimSpace(c.Text))
		}
	}
	return list
}

func (n *node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// parseXML reads a whole file as one element; the decoder is strict about what
// follows it too.
func parseXML(text []byte) (*node, error) {
	dec := xml.NewDecoder(bytes.NewReader(text))
	var n node
	if err := dec.Decode(&n); err != nil {
		return nil, fmt.Errorf("parse XML: %w", err)
	}
	for {
		rest, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if blank, ok := rest.(xml.CharData); !ok || len(bytes.TrimSpace(blank)) > 0 {
			return nil, errors.New("parse XML: something follows the root element")
		}
	}
	if n.XMLName.Local != "clickhouse" {
		return nil, fmt.Errorf("the root element is %s, want clickhouse", n.XMLName.Local)
	}
	return &n, nil
}

// profileSettings are the values of a settings profile, less its constraints.
func profileSettings(users *node, profile string) map[string]string {
	settings := map[string]string{}
	for _, c := range users.at("profiles", profile).Children {
		if c.XMLName.Local != "constraints" {
			settings[c.XMLName.Local] = strings.TrimSpace(c.Text)
		}
	}
	return settings
}

const (
	writerUser = "faaswarden_writer"
	readerUser = "grafana_reader"
	database   = "faaswarden"
)

// checkUsers holds what must be true of the file that makes the users, whatever
// the engine thinks of it.
func checkUsers(text []byte) error {
	users, err := parseXML(text)
	if err != nil {
		return err
	}
	var faults []error
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	list := users.at("users")
	if list == nil {
		return errors.New("there are no users")
	}
	fallback := list.at("default")
	fault(fallback != nil && fallback.attr("remove") == "remove", "the user default is not removed")
	for _, u := range list.Children {
		name := u.XMLName.Local
		if name == "default" {
			continue
		}
		fault(name == writerUser || name == readerUser, "user %s is unknown", name)
		for _, c := range u.Children {
			fault(!strings.HasPrefix(c.XMLName.Local, "password"), "user %s has a %s in this file", name, c.XMLName.Local)
			fault(c.XMLName.Local != "no_password", "user %s needs no password", name)
		}
		fault(u.value("access_management") == "0", "user %s manages access", name)
		fault(users.at("profiles", u.value("profile")) != nil, "user %s has the profile %q, which is not in this file", name, u.value("profile"))
		fault(users.at("quotas", u.value("quota")) != nil, "user %s has the quota %q, which is not in this file", name, u.value("quota"))
		fault(len(u.at("grants").values("query")) > 0, "user %s has no grants, which gives it all of them", name)
		for _, grant := range u.at("grants").values("query") {
			fault(strings.HasPrefix(grant, "GRANT ") && !strings.Contains(grant, "*.*") && !strings.Contains(grant, "GRANT ALL") && !strings.Contains(grant, "GRANT OPTION"), "user %s: %s", name, grant)
		}
	}
	fault(users.value("profiles", list.value(writerUser, "profile"), "async_insert") == "0", "inserts of %s are answered before they are stored", writerUser)
	return errors.Join(append(faults, checkReader(users)...)...)
}

// checkReader holds the limits of the user whose statements people write.
func checkReader(users *node) (faults []error) {
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(readerUser+": "+format, args...))
		}
	}
	reader := users.at("users", readerUser)
	if reader == nil {
		return []error{errors.New("there is no user " + readerUser)}
	}
	for _, grant := range reader.at("grants").values("query") {
		fault(grant == "GRANT SELECT ON "+database+".*", "%s", grant)
	}
	profile := users.at("profiles", reader.value("profile"))
	if profile == nil {
		return append(faults, errors.New(readerUser+" has no profile"))
	}
	fault(profile.value("readonly") == "1", "readonly is %q, want 1", profile.value("readonly"))
	for _, limit := range []string{"max_execution_time", "max_memory_usage", "max_result_rows", "max_rows_to_read"} {
		fault(positive(profile.value(limit)), "%s is %q, want a limit", limit, profile.value(limit))
	}
	for _, c := range profile.at("constraints").children() {
		fault(c.XMLName.Local == "max_execution_time", "%s may be changed", c.XMLName.Local)
		fault(positive(c.value("max")), "%s may be lifted", c.XMLName.Local)
	}
	interval := users.at("quotas", reader.value("quota"), "interval")
	if interval == nil {
		return append(faults, errors.New(readerUser+" has no quota by interval"))
	}
	for _, limit := range []string{"duration", "queries", "errors", "result_rows", "read_rows", "execution_time"} {
		fault(positive(interval.value(limit)), "quota %s is %q, want a limit", limit, interval.value(limit))
	}
	return faults
}

func (n *node) children() []node {
	if n == nil {
		return nil
	}
	return n.Children
}

func positive(text string) bool {
	return strings.Trim(text, "0123456789") == "" && strings.Trim(text, "0") != ""
}

// checkServer holds what the settings of the server promise.
func checkServer(text []byte) error {
	server, err := parseXML(text)
	if err != nil {
		return err
	}
	var faults []error
	for _, s := range []struct{ path, want string }{
		{"merge_tree/fsync_after_insert", "1"},
		{"merge_tree/fsync_part_directory", "1"},
		{"merge_tree/min_rows_to_fsync_after_merge", "1"},
		{"merge_tree/min_compressed_bytes_to_fsync_after_merge", "1"},
		{"access_control_improvements/select_from_system_db_requires_grant", "true"},
		{"access_control_improvements/settings_constraints_replace_previous", "true"}, // changeable_in_readonly needs it
		{"logger/console", "1"},
	} {
		if got := server.value(strings.Split(s.path, "/")...); got != s.want {
			faults = append(faults, fmt.Errorf("%s is %q, want %s", s.path, got, s.want))
		}
	}
	for _, port := range []string{"mysql_port", "postgresql_port", "interserver_http_port"} {
		if n := server.at(port); n == nil || n.attr("remove") == "" {
			faults = append(faults, fmt.Errorf("%s is left open", port))
		}
	}
	return errors.Join(append(faults, checkMergePool(server))...)
}

// checkMergePool holds the rule by which a server with a small pool refuses to
// start: no threshold of free entries may exceed the pool.
func checkMergePool(server *node) error {
	var faults []error
	size := number(server.value("background_pool_size")) * number(server.value("background_merges_mutations_concurrency_ratio"))
	for _, c := range server.at("merge_tree").children() {
		name := c.XMLName.Local
		if strings.HasPrefix(name, "number_of_free_entries_in_pool_to_") && number(c.Text) > size {
			faults = append(faults, fmt.Errorf("%s exceeds the pool of %d entries", name, size))
		}
	}
	for _, name := range []string{"lower_max_size_of_merge", "execute_mutation", "execute_optimize_entire_partition"} {
		if server.value("merge_tree", "number_of_free_entries_in_pool_to_"+name) == "" {
			faults = append(faults, fmt.Errorf("number_of_free_entries_in_pool_to_%s keeps a default that exceeds the pool of %d entries", name, size))
		}
	}
	return errors.Join(faults...)
}

func number(text string) int {
	n := 0
	_, _ = fmt.Sscan(text, &n) // not a number: zero, which no check accepts
	return n
}

// checkClickHouse holds both files.
func checkClickHouse(d deployment) error {
	f := &faults{}
	f.add(checkUsers(d[usersFile]))
	f.add(checkServer(d[serverFile]))
	return f.err()
}

// TestClickHouseFiles holds the rules, and shows that each can fail.
func TestClickHouseFiles(t *testing.T) {
	t.Parallel()
	mutate(t, checkClickHouse, load(t, usersFile, serverFile), []mutation{
		{"cut off", usersFile, "</clickhouse>", "", "parse XML"},
		{"trailing text", usersFile, "</clickhouse>", "</clickhouse><more/>", "something follows"},
		{"an old root", usersFile, "clickhouse>", "yandex>", "the root element is yandex"},
		{"default stays", usersFile, `<default remove="remove"/>`, "<default/>", "default is not removed"},
		{"a default password", usersFile, "<access_management>0</access_management>", "<access_management>0</access_management><password>x</password>", "has a password in this file"},
		{"no password at all", usersFile, "<access_management>0</access_management>", "<access_management>0</access_management><no_password/>", "needs no password"},
		{"a manager", usersFile, "<access_management>0", "<access_management>1", "manages access"},
		{"a stranger", usersFile, "<faaswarden_writer>\n            <networks>", "<root><grants/></root><faaswarden_writer>\n            <networks>", "user root is unknown"},
		{"a lost profile", usersFile, "<profile>grafana_reader", "<profile>reader", `profile "reader"`},
		{"a lost quota", usersFile, "<quota>grafana_reader", "<quota>reader", `quota "reader"`},
		{"everything", usersFile, "GRANT SELECT, INSERT, ALTER COLUMN", "GRANT ALL ON *.*; GRANT ALTER COLUMN", "*.*"},
		{"a reader that writes", usersFile, "<query>GRANT SELECT ON faaswarden.*</query>", "<query>GRANT SELECT, INSERT ON faaswarden.*</query>", "GRANT SELECT, INSERT"},
		{"no grants", usersFile, "<query>GRANT SELECT ON faaswarden.*</query>", "", "gives it all of them"},
		{"queued inserts", usersFile, "<async_insert>0</async_insert>", "", "answered before they are stored"},
		{"not read-only", usersFile, "<readonly>1", "<readonly>0", "readonly is"},
		{"no memory limit", usersFile, "<max_memory_usage>1000000000</max_memory_usage>", "", "max_memory_usage is"},
		{"unlimited rows", usersFile, "<max_rows_to_read>500000000", "<max_rows_to_read>0", "max_rows_to_read is"},
		{"a limit to lift", usersFile, "<max>90</max>", "", "may be lifted"},
		{"no quota of queries", usersFile, "<queries>20000", "<queries>0", "quota queries"},
		{"cut off", serverFile, "</clickhouse>", "", "parse XML"},
		{"no fsync", serverFile, "<fsync_after_insert>1", "<fsync_after_insert>0", "fsync_after_insert"},
		{"open system tables", serverFile, "<select_from_system_db_requires_grant>true", "<select_from_system_db_requires_grant>false", "select_from_system_db_requires_grant"},
		{"a mysql port", serverFile, `<mysql_port remove="remove"/>`, "", "mysql_port is left open"},
		{"thresholds above the pool", serverFile, "<number_of_free_entries_in_pool_to_execute_mutation>2", "<number_of_free_entries_in_pool_to_execute_mutation>20", "exceeds the pool"},
		{"thresholds of a big machine", serverFile, "<number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>", "", "keeps a default"},
	})
}
