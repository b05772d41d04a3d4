package text

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
)

// The Chinese catalogue: for each package a file of keys and what they are in
// Chinese. Terms: docs/texts.md.
//
//go:embed zh_CN/*.json
var chineseFiles embed.FS

// helpFile has the help of the commands.
const helpFile = "help.json"

func zhCN() map[string]string {
	all := map[string]string{}
	files, err := chineseFiles.ReadDir("zh_CN")
	if err != nil {
		panic(err) // it is part of the program
	}
	for _, f := range files {
		maps.Copy(all, chineseFile(f.Name()))
	}
	return all
}

func chineseFile(name string) (words map[string]string) {
	raw, err := chineseFiles.ReadFile("zh_CN/" + name)
	if err == nil {
		err = json.Unmarshal(raw, &words)
	}
	if err != nil {
		panic(fmt.Sprintf("read the Chinese texts %s: %v", name, err)) // they are part of the program
	}
	return words
}
