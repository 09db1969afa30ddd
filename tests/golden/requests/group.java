// Java 11 or newer: java Main.java. Reads GROUP_KEY and GROUP_SECRET from the environment.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Base64;

public class Main {
    public static void main(String[] arguments) throws Exception {
        String credentials = "group-" + System.getenv("GROUP_KEY") + ":" + System.getenv("GROUP_SECRET");
        HttpRequest request = HttpRequest.newBuilder(URI.create("https://pushapi-sgp.engagelab.com/v4/grouppush"))
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Accept", "application/json")
            .header("Accept-Encoding", "identity")
            .header("User-Agent", "engagelab-push-worker")
            .header("Authorization", "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes()))
            .method("POST", HttpRequest.BodyPublishers.ofString("{\"to\":\"all\"}"))
            .build();
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}
