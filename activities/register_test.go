package activities

import (
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
)

type registered map[string]string // what a name is registered for, by the name of its method

func (r registered) RegisterActivityWithOptions(fn any, o activity.RegisterOptions) {
	name := strings.TrimSuffix(runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name(), "-fm")
	r[o.Name] = name[strings.LastIndex(name, ".")+1:]
}

// TestNoStageIsTakenForAnother holds that no method is called as the stage of
// another one is: the SDK takes a method's own name for another name of the stage
// that it is registered as, and would run it in place of the one that is meant.
func TestNoStageIsTakenForAnother(t *testing.T) {
	t.Parallel()
	all := registered{}
	New(nil).Register(all)
	require.Len(t, all, 21)
	for name, method := range all {
		if other, taken := all[method]; taken {
			require.Equal(t, method, other, "%s runs in place of %s", name, method)
		}
	}
}
