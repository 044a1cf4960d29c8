// Package text holds every word that Steward says to people, in zh-CN, zh-TW and en: the message of each fault code, labels, and the mails
// and text messages. The words lie in catalog/*.json, one file an area, so that an area's words have one home; a test demands every code
// that the source names in every language.
package text

import (
	"embed"
	"maps"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/language"
)

// The locales, the default first.
const (
	English     = "en"
	Simplified  = "zh-CN"
	Traditional = "zh-TW"
)

// Locales are all of them, the default first.
var Locales = []string{English, Simplified, Traditional}

//go:embed catalog/*.json
var files embed.FS

// entry is one text: locale → words, with blanks such as {max}.
type entry map[string]string

var catalog = sync.OnceValue(func() map[string]entry {
	all := map[string]entry{}
	list, err := files.ReadDir("catalog")
	if err != nil {
		panic("text: " + err.Error())
	}
	for _, f := range list {
		b, err := files.ReadFile("catalog/" + f.Name())
		if err != nil {
			panic("text: " + err.Error())
		}
		var part map[string]entry
		if err := json.Unmarshal(b, &part); err != nil {
			panic("text: " + f.Name() + ": " + err.Error())
		}
		for code, e := range part {
			if _, twice := all[code]; twice {
				panic("text: " + code + " stands in two files")
			}
			all[code] = e
		}
	}
	return all
})

// Known reports whether the catalogue has the text.
func Known(code string) bool { _, ok := catalog()[code]; return ok }

// Codes gives a copy of the catalogue: code → locale → words.
func Codes() map[string]map[string]string {
	out := map[string]map[string]string{}
	for c, e := range catalog() {
		out[c] = maps.Clone(e)
	}
	return out
}

// Say gives the text in the locale, its blanks filled from args; in English when the locale lacks it, the code itself when nothing does.
// A blank whose value is a word of the program rather than a number is worded by the text code.blank.value, where there is one:
// invalid_email.part.domain.
func Say(locale, code string, args map[string]string) string {
	e, ok := catalog()[code]
	if !ok {
		return code
	}
	s, ok := e[locale]
	if !ok {
		s = e[English]
	}
	if len(args) == 0 || !strings.Contains(s, "{") {
		return s
	}
	pairs := make([]string, 0, 2*len(args))
	for k, v := range args {
		if words, ok := catalog()[code+"."+k+"."+v]; ok {
			v = words[locale]
			if v == "" {
				v = words[English]
			}
		}
		pairs = append(pairs, "{"+k+"}", v)
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

var matcher = sync.OnceValue(func() language.Matcher {
	return language.NewMatcher([]language.Tag{language.English, language.SimplifiedChinese, language.TraditionalChinese})
})

// Negotiate picks the locale for an Accept-Language header; fallback when the header is empty, unreadable or asks for none of ours.
func Negotiate(accept, fallback string) string {
	if accept == "" {
		return orEnglish(fallback)
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return orEnglish(fallback)
	}
	_, i, conf := matcher().Match(tags...)
	if conf == language.No {
		return orEnglish(fallback)
	}
	return Locales[i]
}

// IsLocale reports whether s is one of the locales.
func IsLocale(s string) bool { return s == English || s == Simplified || s == Traditional }

func orEnglish(s string) string {
	if IsLocale(s) {
		return s
	}
	return English
}
