package workerapp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// BuildID names this program for worker versioning: what is configured, else
// the git revision that it was built from, else, as with go run or where the
// tree had changes, a hash of the program itself.
func BuildID(configured string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if rev := revision(info.Settings); rev != "" {
			return rev, nil
		}
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find build id: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("find build id: %w", err)
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("find build id: %w", err)
	}
	return "exe-" + hex.EncodeToString(h.Sum(nil))[:16], nil
}

func revision(settings []debug.BuildSetting) string {
	rev := ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			return ""
		}
	}
	return rev[:min(12, len(rev))]
}

// patience is how long promotion is tried.
const patience = 30 * time.Second

// promote makes this build the current version of its deployment. The server
// learns of a version when the first worker polls for it, so a first attempt
// may come too early.
func promote(ctx context.Context, c client.Client, deployment, buildID string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		_, err := c.WorkerDeploymentClient().GetHandle(deployment).SetCurrentVersion(ctx, client.WorkerDeploymentSetCurrentVersionOptions{
			BuildID:                 buildID,
			IgnoreMissingTaskQueues: true,
		})
		if err == nil {
			return nil
		}
		var denied *serviceerror.PermissionDenied
		if errors.As(err, &denied) {
			return fmt.Errorf("promote %s of deployment %s: %w\nLet somebody who may do it run:\n  temporal worker deployment set-current-version --deployment-name %s --build-id %s", buildID, deployment, err, deployment, buildID)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("promote %s of deployment %s: %w", buildID, deployment, err)
		case <-time.After(250 * time.Millisecond):
		}
	}
}
