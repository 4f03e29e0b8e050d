package chdb

import (
	"maps"
	"slices"
	"strings"
)

// Rehearsal is a user of a ClickHouse server, tried without the server: every
// statement of RoundTripper runs with its grants and under its settings, and is
// refused what the server would refuse it. The engine has one user, so what
// hangs on a user's own name, its password, networks and quota, is not tried,
// and neither is what a server's access_control_improvements add.
type Rehearsal struct {
	Grants   []string          // as the user's <grants> write them: GRANT SELECT ON costs.*
	Profiles string            // the text of the file's <profiles>, for the engine to parse
	Settings map[string]string // those of the user's profile
}

const rehearsedRole = "rehearsed"

// rehearsalXML is accessXML with the rehearsed user's role and profiles.
func rehearsalXML(r Rehearsal) string {
	var role strings.Builder
	role.WriteString("    <" + rehearsedRole + "><grants>\n")
	for _, grant := range r.Grants {
		element(&role, 3, "query", grant)
	}
	role.WriteString("        </grants></" + rehearsedRole + ">\n    </roles>")
	const own = "<query>GRANT outside</query>"
	return strings.NewReplacer(
		"<profiles><default/></profiles>", "<profiles><default/>"+r.Profiles+"</profiles>",
		"</roles>", role.String(),
		own, own+"<query>GRANT "+rehearsedRole+"</query>",
	).Replace(accessXML)
}

// rehearse makes a session the rehearsed user's. The settings are given one by
// one, because SET profile selects a profile here and leaves its values.
func (s *session) rehearse(r *Rehearsal) error {
	if err := s.conn.exec("SET ROLE " + rehearsedRole); err != nil {
		return err
	}
	if len(r.Settings) == 0 {
		return nil
	}
	var settings []setting
	for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
		settings = append(settings, setting{name, r.Settings[name]})
	}
	return s.conn.exec(setStatement(settings))
}
