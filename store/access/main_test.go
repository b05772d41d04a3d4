package access_test

import (
	"os"
	"testing"

	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
