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
	request, err := http.NewRequest("POST", "https://pushapi-sgp.engagelab.com/v4/batch/push/alias", strings.NewReader("{\"requests\":[{\"target\":\"user_42\",\"platform\":\"android\",\"notification\":{\"alert\":\"It's `here`\",\"android\":{\"alert\":\"Hi\"}},\"options\":{\"cid\":\"1m84j0ybw3v6apk8qwfew000\"}}]}"))
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
