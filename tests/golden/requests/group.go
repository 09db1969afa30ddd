// go run main.go. Reads GROUP_KEY and GROUP_SECRET from the environment.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	request, err := http.NewRequest("POST", "https://pushapi-sgp.engagelab.com/v4/grouppush", strings.NewReader(`{"to":"all"}`))
	check(err)
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", "engagelab-push-worker")
	request.SetBasicAuth("group-"+os.Getenv("GROUP_KEY"), os.Getenv("GROUP_SECRET"))
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
