package chdb

func runChild() (int, bool) { return 0, false }
