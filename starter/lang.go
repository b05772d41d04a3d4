package main

import (
	"cmp"
	"os"
	"strings"

	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
)

const langFlag = "--lang"

// speak takes the language of the command line or the environment before
// anything is read, so that help and refusals of the command line itself are in
// it. A configuration file may set another one, see [app.prepare].
func (a *app) speak(args []string) error {
	asked := os.Getenv("KAM_LANG")
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, langFlag+"="); ok {
			asked = value
		} else if arg == langFlag && i+1 < len(args) {
			asked = args[i+1]
		}
	}
	if asked == "" { // what the machine is set to, where there are texts in it
		a.words, _ = text.In(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")))
		return nil
	}
	words, ok := text.In(asked)
	if !ok {
		return noLanguage(asked)
	}
	a.words = words
	return nil
}

func noLanguage(lang string) error {
	return kam.Errorf(kam.Invalid, "there are no texts in the language %q", kam.Clip(lang, 40)).On(langFlag).Try("one of %s", kam.ListOf(text.Languages))
}
