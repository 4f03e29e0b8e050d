package chdb

import "syscall"

// dup2 is spelled dup3 because arm64 has no other.
func dup2(from, to int) error { return syscall.Dup3(from, to, 0) }
