package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

// digests are of every table of a folder's store.
func digests(t *testing.T, data string) map[string]store.Digest {
	t.Helper()
	s := openAt(t, store.Options{DSN: "embedded:" + data, ReadOnly: true})
	defer closeStore(t, s)
	all := map[string]store.Digest{}
	for _, row := range schema.RowTypes() {
		d, err := s.Digest(t.Context(), row)
		if err != nil {
			t.Fatal(err)
		}
		all[row.Table()] = d
	}
	return all
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// TestBackup backs a filled store up, restores it, and compares every row.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "store")
	s := openAt(t, store.Options{DSN: "embedded:" + data, Relaxed: true})
	storetest.Fill(t, s, 5)
	putPoints(t, s, year())
	closeStore(t, s)
	want := digests(t, data)

	file := filepath.Join(dir, "backups", "it's one.tar.zst")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	o := store.BackupOptions{Data: data, File: file}
	if err := store.Backup(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, filepath.Dir(file)); !cmp.Equal(got, []string{"it's one.tar.zst"}) {
		t.Errorf("beside the backup there is %v", got)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info, err)
	}
	if err := store.Backup(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the file exists") {
		t.Errorf("a second backup to the same file: %v", err)
	}
	if err := store.Restore(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("restoring over the store: %v", err)
	}

	restored := filepath.Join(dir, "restored", "store") // the folder above is made, too
	if err := store.Restore(t.Context(), store.BackupOptions{Data: restored, File: file}); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, filepath.Dir(restored)); !cmp.Equal(got, []string{"store"}) {
		t.Errorf("beside the restored store there is %v", got)
	}
	if diff := cmp.Diff(want, digests(t, restored)); diff != "" {
		t.Errorf("rows (-stored +restored):\n%s", diff)
	}
	if diff := cmp.Diff(want, digests(t, data)); diff != "" {
		t.Errorf("the store itself has changed:\n%s", diff)
	}
	damage(t, file, filepath.Join(dir, "damaged"))
}

// damage restores backups that are cut short, changed or something else.
func damage(t *testing.T, file, dir string) {
	t.Helper()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	changed := func(at int) []byte {
		text := append([]byte(nil), whole...)
		text[at] ^= 0xff
		return text
	}
	for name, text := range map[string][]byte{
		"empty":              {},
		"cut in the middle":  whole[:len(whole)/2],
		"cut near the end":   whole[:len(whole)-700],
		"changed at a third": changed(len(whole) / 3),
		"changed in the end": changed(len(whole) * 9 / 10),
		"something else":     []byte(strings.Repeat("not an archive\n", 1000)),
	} {
		broken := filepath.Join(dir, "broken.tar.zst")
		if err := os.WriteFile(broken, text, 0o600); err != nil {
			t.Fatal(err)
		}
		err := store.Restore(t.Context(), store.BackupOptions{Data: filepath.Join(dir, "store"), File: broken})
		if err == nil || !strings.Contains(err.Error(), ": the file is damaged, cut short, or no backup of faaswarden: ") || !strings.HasSuffix(err.Error(), "nothing was restored") || !strings.Contains(err.Error(), broken) {
			t.Errorf("%s: %v", name, err)
		}
		if got := entries(t, dir); !cmp.Equal(got, []string{"broken.tar.zst"}) {
			t.Errorf("%s: %v is left behind", name, got)
		}
	}
}

func TestBackupRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.tar.zst")
	for _, c := range []struct {
		o    store.BackupOptions
		run  string
		want string
	}{
		{store.BackupOptions{Data: dir, File: filepath.Join(dir, "x.zip")}, "backup", "must end in .tar.zst or .tar"},
		{store.BackupOptions{Data: filepath.Join(dir, "none"), File: file}, "backup", "there is no store"},
		{store.BackupOptions{Data: filepath.Join(dir, "empty"), File: file}, "backup", "there is no store"},
		{store.BackupOptions{Data: filepath.Join(dir, "none"), File: file}, "restore", "no such file"},
		{store.BackupOptions{Data: filepath.Join(dir, "none"), File: filepath.Join(dir, "folder.tar")}, "restore", "it is not a file"},
		{store.BackupOptions{Data: filepath.Join(dir, "none"), File: "x"}, "restore", "must end in .tar.zst or .tar"},
	} {
		run := store.Backup
		if c.run == "restore" {
			run = store.Restore
		}
		for _, name := range []string{"empty", "folder.tar"} {
			if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := run(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: %v, want %q", c.run, c.o, err, c.want)
		}
	}
	if got := entries(t, dir); !cmp.Equal(got, []string{"empty", "folder.tar"}) {
		t.Errorf("left behind: %v", got)
	}
}
