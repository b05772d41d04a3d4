package main

import (
	"cmp"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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

// helpWords are the headings of the library's help.
var helpWords = []string{"Usage:", "Aliases:", "Examples:", "Available Commands:", "Additional Commands:", "Flags:", "Global Flags:", "Additional help topics:"}

// moreHelp is its last line.
const moreHelp = `Use "{{.CommandPath}} [command] --help" for more information about a command.`

// inLanguage says the help of all commands in the person's language.
func (a *app) inLanguage(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	pairs := []string{moreHelp, a.words.Word(moreHelp)}
	for _, w := range helpWords {
		pairs = append(pairs, "\n"+w, "\n"+a.words.Word(w))
	}
	template := strings.NewReplacer(pairs...).Replace("\n" + root.UsageTemplate())
	root.SetUsageTemplate(strings.TrimPrefix(template, "\n"))
	a.translate(root)
}

func (a *app) translate(c *cobra.Command) {
	c.InitDefaultHelpFlag()
	c.Short, c.Long = a.words.Word(c.Short), a.words.Word(c.Long)
	flags := func(f *pflag.Flag) {
		if f.Name == "help" {
			f.Usage = a.text("flag.help", c.Name())
			return
		}
		f.Usage = a.words.Word(f.Usage)
	}
	c.LocalFlags().VisitAll(flags)
	c.PersistentFlags().VisitAll(flags)
	for _, sub := range c.Commands() {
		a.translate(sub)
	}
}
