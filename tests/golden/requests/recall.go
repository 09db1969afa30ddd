// go run main.go. Reads APP_KEY and MASTER_SECRET from the environment.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	request, err := http.NewRequest("DELETE", "https://pushapi-sgp.engagelab.com/v4/push/withdraw/1828256757", nil)
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
