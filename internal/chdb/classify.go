package chdb

import (
	"errors"
	"runtime"
	"unsafe"
)

// Kind is what a statement does, as the engine's own parser sees it.
type Kind int

// The kinds ascend by how restricted a statement is; a text of several
// statements has the highest of theirs.
const (
	ReadOnly Kind = iota // SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS, CHECK: leaves no trace
	Mutating             // INSERT, CREATE, ALTER, DROP, TRUNCATE, OPTIMIZE: changes a database
	Global               // functions, named collections, access: changes what no database holds
	Control              // SET, USE, SYSTEM, KILL, BACKUP, ATTACH, INTO OUTFILE, INSERT INTO FUNCTION
	Unknown              // did not parse
)

func (k Kind) String() string {
	names := [...]string{"read-only", "mutating", "global", "control", "unknown"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Class is the engine's judgement of a text.
type Class struct {
	Kind              Kind
	Statements        int  // 0 when the text is empty or does not parse
	HasSecrets        bool // it carries a credential
	DatabaseLifecycle bool // it creates, drops or renames a database
}

// Classify asks the engine's parser what a text would do, without running it.
func (e *Engine) Classify(sql string) (Class, error) {
	if err := e.begin(); err != nil {
		return Class{}, err
	}
	defer e.work.Done()
	e.keeperMu.Lock()
	defer e.keeperMu.Unlock()
	return classify(e.keeper, sql)
}

// analysis is chdb_query_analysis_v1.
type analysis struct {
	structSize, statements, flags, class uint32
}

const (
	flagHasSecrets        = 1 << 0
	flagDatabaseLifecycle = 1 << 2
)

func classify(c *conn, sql string) (Class, error) {
	out := &analysis{}
	out.structSize = uint32(unsafe.Sizeof(*out))
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(out)
	if state := c.lib.classify(c.raw, pinned(&pin, sql), uintptr(len(sql)), nil, 0, unsafe.Pointer(out)); state != 0 {
		return Class{}, errors.New("classify a statement: the engine could not be asked")
	}
	return Class{
		Kind:              Kind(out.class),
		Statements:        int(out.statements),
		HasSecrets:        out.flags&flagHasSecrets != 0,
		DatabaseLifecycle: out.flags&flagDatabaseLifecycle != 0,
	}, nil
}
