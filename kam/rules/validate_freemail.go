package rules

import (
	_ "embed"
	"strings"
)

//go:embed validate_freemail.txt
var freeMailText string

// freeMail holds domains where anybody gets a mail box: they say nothing about
// a company (VF05) and never make two parties one.
var freeMail = func() map[string]bool {
	set := map[string]bool{}
	for _, d := range strings.Fields(freeMailText) {
		set[d] = true
	}
	return set
}()
