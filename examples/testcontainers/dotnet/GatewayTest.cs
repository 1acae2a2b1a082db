using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using DotNet.Testcontainers.Builders;
using DotNet.Testcontainers.Containers;
using Xunit;

/// <summary>A test against the simulator: replace Ask by the client of your software.</summary>
public sealed class GatewayTest : IAsyncLifetime
{
    private const int TlsPort = 8443, ControlPort = 9080;
    private const string Question = """
        <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
            xmlns:intf="http://kszbcss.fgov.be/intf/eHealthAttributesService/v1"><soapenv:Body>
          <intf:consultAttributesRequest>
            <informationCustomer><customerIdentification><cbeNumber>0999010126</cbeNumber></customerIdentification></informationCustomer>
            <legalContext>BACKTOWORK:ADVISORY_PHYSICIAN</legalContext>
            <criteria><ssin>85073099932</ssin></criteria>
          </intf:consultAttributesRequest>
        </soapenv:Body></soapenv:Envelope>
        """;

    private readonly IContainer container = new ContainerBuilder()
        .WithImage("localhost/ehealth-attributes-simulator:0.1.0")
        .WithCommand("--listen", $"0.0.0.0:{TlsPort}", "--control", $"0.0.0.0:{ControlPort}")
        .WithPortBinding(TlsPort, true)
        .WithPortBinding(ControlPort, true)
        .WithTmpfsMount("/tmp")
        .WithWaitStrategy(Wait.ForUnixContainer().UntilMessageIsLogged("Press Ctrl-C"))
        .Build();

    private HttpClient client = new(), control = new();

    public async Task InitializeAsync()
    {
        await container.StartAsync();
        control = new HttpClient { BaseAddress = new Uri($"http://{container.Hostname}:{container.GetMappedPublicPort(ControlPort)}/v1/") };
        var authority = X509Certificate2.CreateFromPem(await control.GetStringAsync("files/ca.pem"));
        var pem = X509Certificate2.CreateFromPem(
            await control.GetStringAsync("files/clients/fund.pem"), await control.GetStringAsync("files/clients/fund.key"));
        // A key from PEM is ephemeral, which TLS on Windows does not take.
        var identity = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        var handler = new SocketsHttpHandler();
        handler.SslOptions.ClientCertificates = [identity];
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            CustomTrustStore = { authority },
        };
        client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(10) };
    }

    public async Task DisposeAsync()
    {
        client.Dispose();
        control.Dispose();
        await container.DisposeAsync();
    }

    private Task<HttpResponseMessage> Ask() => client.PostAsync(
        $"https://localhost:{container.GetMappedPublicPort(TlsPort)}/eHealthAttributesService/v1/consult",
        new StringContent(Question, Encoding.UTF8, "text/xml"));

    private async Task Fail(params object[] failure) =>
        (await control.PutAsJsonAsync("plan", new { failure })).EnsureSuccessStatusCode();

    [Fact]
    public async Task First503ThenTheAnswer()
    {
        await Fail(new { kind = "http", status = 503, retry_after = 1, times = 1 });
        var refused = await Ask();
        Assert.Equal(503, (int)refused.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
        Assert.Contains("<code>MSG00000</code>", await (await Ask()).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task AResetConnection()
    {
        await Fail(new { kind = "reset" });
        await Assert.ThrowsAsync<HttpRequestException>(Ask);
    }
}
