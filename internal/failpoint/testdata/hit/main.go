// Command hit comes by two points, for the test of the package: once as they
// are written in one piece, twice as stages name theirs.
package main

import (
	"fmt"
	"os"

	"github.com/kamflow/kamflow/internal/failpoint"
)

func main() {
	failpoint.Hit("act/after-commit")
	stage := "Identify"
	if len(os.Args) > 1 {
		stage = os.Args[1]
	}
	for n := range 2 {
		failpoint.Hit("stage", stage, "in-tx")
		fmt.Println("passed", n+1)
	}
}
