// go run main.go. Reads APP_KEY and MASTER_SECRET from the environment.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	request, err := http.NewRequest("POST", "https://pushapi-sgp.engagelab.com/v4/push", strings.NewReader("[\"\", \"plain\", \"it's 'quoted'\", \"say \\\"hi\\\"\", \"'\", \"\\\"\", \"'\\\\''\", \"\\\\\", \"\\\\\\\\\", \"ends in a backslash\\\\\", \"\\\\'\", \"\\\\\\\"\", \"\\\\n is no newline\", \"\\\\u0041 \\\\U00000041 \\\\x41 \\\\101\", \"line\\nline\\n\", \"\\r\\n\", \"\\r\", \"\\ttab\", \"\\n\", \" \", \"  spaces  \", \"$HOME ${HOME} $(id) `id` $$ $' $\\\"\", \"${1 + 1} `${x}` #{x} {{x}} {0} {} %s %d %% %n\", \"!! !x ; & | < > * ? [a] ~ # \\\\\", \"@file\", \"@-\", \"-x --json\", \"'''\", \"\\\"\\\"\\\"\", \"```\", \"` + \\\"`\\\" + `\", \"<!-- </script> -->\", \"/* */ // #\", \"é ß 中文 العربية\", \"😀 👨\U0000200d👩\U0000200d👧 𐍈 \U0010ffff \U000e0001\", \"\U00002028 \U00002029 \U00000085 \U000000a0 \U0000feff � \U0000ffff \U0000e000\", \"\U0000202e backwards \U0000200b\", \"\\u0001 \\u0007 \\b \\u000b \\f \\u001b[31m \U0000007f \U0000009b31m\", \"é\", \"null\", \"{\\\"requests\\\":[]}\", \"EOF\", \"=1+1\"]"))
	check(err)
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "engagelab-push-worker")
	request.SetBasicAuth(os.Getenv("APP_KEY"), os.Getenv("MASTER_SECRET"))
	answer, err := http.DefaultClient.Do(request)
	check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(err)
	fmt.Println(answer.StatusCode, string(text))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
