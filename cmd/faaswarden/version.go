package main

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/common/version"

	"github.com/faaswarden/faaswarden/internal/chdb"
)

// versionInfo tells what was built from what.
func versionInfo() map[string]string {
	info := map[string]string{
		"version": version.Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH, "engine": chdb.Version,
	}
	if build, ok := debug.ReadBuildInfo(); ok && info["version"] == "" {
		info["version"] = build.Main.Version
	}
	return info
}

func versionString() string {
	info := versionInfo()
	return info["version"] + " (" + info["go"] + ", " + info["platform"] + ", embedded engine " + info["engine"] + ")"
}
