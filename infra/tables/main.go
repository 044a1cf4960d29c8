// Command tables writes the tables that packages read instead of linking the libraries which know them: for shared/password the words and
// keyboards of zxcvbn, for shared/collation the weights of golang.org/x/text/collate. With --check it writes nothing and exits with status 1 when
// one is not what the library says. The packages' tests hold what they answer to what the libraries answer.
package main

import "github.com/steward-crm/steward/infra/generated"

func main() { generated.Main("tables", files) }

func files(string) (map[string][]byte, error) {
	trie, ranks, err := words()
	if err != nil {
		return nil, err
	}
	keys, err := keyboards()
	if err != nil {
		return nil, err
	}
	weights, layout, err := collation()
	return map[string][]byte{
		"shared/password/words.bin": trie, "shared/password/ranks.bin": ranks, "shared/password/keyboards.txt": keys,
		"shared/collation/weights.bin": weights, "shared/collation/layout.go": layout,
	}, err
}
