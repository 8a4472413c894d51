#include <algorithm>
#include <limits>

#include "cli/command.h"
#include "cli/commands.h"

namespace van::cli {
namespace {

constexpr std::int64_t kCostMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kThresholdMax = 100;

constexpr std::string_view kFormats[] = {"text", "json"};
constexpr std::string_view kColours[] = {"auto", "always", "never"};
constexpr std::string_view kRoles[] = {"edge", "interior"};
constexpr std::string_view kTokenFormats[] = {"link", "claim"};
constexpr std::string_view kProtocols[] = {"tcp", "udp", "http", "http2"};
constexpr std::string_view kForwarded[] = {"none", "x-forwarded", "forwarded"};
constexpr std::string_view kLevels[] = {"trace", "debug", "info", "warn", "error"};

constexpr OptionSpec kGlobalOptions[] = {
    {.name = "profile",
     .kind = ValueKind::text,
     .value = "NAME",
     .help = "the site on this machine that is meant; else VANCTL_PROFILE, else 'default'"},
    {.letter = 'o',
     .name = "output",
     .kind = ValueKind::choice,
     .help = "text for people, or one JSON document",
     .choices = kFormats},
    {.letter = 'q', .name = "quiet", .help = "say nothing when it is done"},
    {.letter = 'v', .name = "verbose", .help = "show more"},
    {.name = "color",
     .kind = ValueKind::choice,
     .help = "colours; auto: on a terminal, unless NO_COLOR is set",
     .choices = kColours},
    {.name = "timeout", .kind = ValueKind::duration, .value = "SECONDS", .help = "give up after this time; default 60"},
    {.letter = 'h', .name = "help", .help = "explain the command"},
    {.name = "version", .help = "print the version"},
};

constexpr ExitMeaning kNoAgent{ExitCode::no_agent, "no agent runs"};
constexpr ExitMeaning kNotInTime{ExitCode::timeout, "not done in time"};

constexpr GroupSpec kGroups[] = {
    {"site", "Make this profile a full site of its own, or delete it"},
    {"token", "Tokens that let others join this site"},
    {"agent", "The process that does the work"},
};

// --- joining

constexpr OptionSpec kJoinOptions[] = {
    {.name = "name", .kind = ValueKind::text, .value = "SITE", .help = "name of this site; else the machine's"},
    {.name = "role",
     .kind = ValueKind::choice,
     .help = "edge (default) or, for a full site, interior; all links of a site have one role",
     .choices = kRoles},
    {.name = "cost",
     .kind = ValueKind::number,
     .value = "N",
     .help = "cost of the link, instead of the token's",
     .least = 1,
     .most = kCostMax},
    {.name = "wait",
     .kind = ValueKind::duration,
     .value = "SECONDS",
     .help = "how long to wait until the link is up; default 30, 0: don't wait"},
    {.name = "as", .kind = ValueKind::text, .value = "LINK", .help = "name of the link; else the token's"},
};
constexpr Example kJoinExamples[] = {
    {"vanctl join token.yaml", "join with a token from a file"},
    {"ssh host vanctl token create | vanctl join -", "join with a token from standard input"},
    {"vanctl join token.yaml --name laptop --wait 60", "be called 'laptop', wait a minute at most"},
};
constexpr ExitMeaning kJoinExits[] = {
    {ExitCode::timeout, "the link is not up within the time; the agent goes on trying"},
    {ExitCode::not_found, "no such file"},
    {ExitCode::conflict, "the role does not fit the links that are there"},
    {ExitCode::refused, "the token can't be used, or the other site refuses it"},
};

constexpr OptionSpec kLeaveOptions[] = {
    {.name = "all", .help = "remove all links, the site's identity and its state"},
};
constexpr Example kLeaveExamples[] = {
    {"vanctl leave", "remove the only link"},
    {"vanctl leave aws", "remove one link"},
    {"vanctl leave --all", "be no site any more"},
};
constexpr ExitMeaning kLeaveExits[] = {kNotInTime, {ExitCode::not_found, "no such link"}};

constexpr OptionSpec kSiteCreateOptions[] = {
    {.name = "listen",
     .kind = ValueKind::text,
     .value = "[HOST:]PORT",
     .help = "where full sites dial in; default 55671, port 0 picks one"},
    {.name = "listen-edge",
     .kind = ValueKind::text,
     .value = "[HOST:]PORT",
     .help = "where edge sites dial in; default 45671, port 0 picks one"},
    {.name = "public-host",
     .kind = ValueKind::text,
     .value = "HOST",
     .help = "name or address that others reach this machine by; may be given again",
     .repeats = true},
    {.name = "no-listen", .help = "let nobody dial in"},
};
constexpr Example kSiteCreateExamples[] = {
    {"vanctl site create hub --public-host hub.example.com", "a site that others can join"},
    {"vanctl site create hub --listen 127.0.0.1:0 --listen-edge 127.0.0.1:0", "on this machine only, with free ports"},
};
constexpr ExitMeaning kSiteCreateExits[] = {kNotInTime,
                                            {ExitCode::conflict, "there is a site already, or a port is in use"}};

constexpr OptionSpec kSiteDeleteOptions[] = {{.name = "yes", .help = "do not ask"}};
constexpr Example kSiteDeleteExamples[] = {{"vanctl site delete --yes", "delete without asking, as scripts do"}};
constexpr ExitMeaning kSiteDeleteExits[] = {kNotInTime, {ExitCode::not_found, "there is no site"}};

constexpr OptionSpec kTokenCreateOptions[] = {
    {.name = "format",
     .kind = ValueKind::choice,
     .help = "link (default): a Skupper v2 Link with its Secret; claim: not in this version",
     .choices = kTokenFormats},
    {.name = "expires",
     .kind = ValueKind::duration,
     .value = "TIME",
     .help = "for how long it can be used: 15m, 12h, 30d"},
    {.name = "cost",
     .kind = ValueKind::number,
     .value = "N",
     .help = "cost of the links that use it; default 1",
     .least = 1,
     .most = kCostMax},
    {.name = "name",
     .kind = ValueKind::text,
     .value = "LABEL",
     .help = "name of the token, and of the link that it makes"},
};
constexpr Example kTokenCreateExamples[] = {
    {"vanctl token create laptop.yaml --name laptop", "write a token to a file"},
    {"vanctl token create | ssh laptop vanctl join -", "hand a token over without a file"},
    {"vanctl token create - --expires 12h", "a token for today"},
};
constexpr ExitMeaning kTokenCreateExits[] = {kNoAgent,
                                             kNotInTime,
                                             {ExitCode::not_found, "there is no site"},
                                             {ExitCode::conflict, "nobody can dial in to this site"}};

// --- services

constexpr OptionSpec kExposeOptions[] = {
    {.name = "protocol",
     .kind = ValueKind::choice,
     .help = "what TARGET speaks; else tcp, or what TARGET begins with",
     .choices = kProtocols},
    {.name = "cost",
     .kind = ValueKind::number,
     .value = "N",
     .help = "price of using this instance, default 0: cheaper ones are used first",
     .most = kCostMax},
    {.name = "port",
     .kind = ValueKind::number,
     .value = "N",
     .help = "service port that others see; else TARGET's",
     .least = 1,
     .most = 65535},
    {.name = "health",
     .kind = ValueKind::text,
     .value = "CHECK",
     .help = "offer it only while it works: tcp (it can be connected) or http:/PATH (2xx or 3xx)"},
    {.name = "health-interval", .kind = ValueKind::duration, .value = "TIME", .help = "from one check to the next; default 5s"},
    {.name = "health-failures",
     .kind = ValueKind::number,
     .value = "N",
     .help = "failed checks in a row until it is withdrawn; default 1",
     .least = 1,
     .most = kThresholdMax},
    {.name = "health-successes",
     .kind = ValueKind::number,
     .value = "N",
     .help = "good checks in a row until it is offered; default 1",
     .least = 1,
     .most = kThresholdMax},
    {.name = "proxy-protocol", .help = "tell the target the client's address by a PROXY protocol header, version 2"},
    {.name = "tls-ca",
     .kind = ValueKind::text,
     .value = "FILE",
     .help = "authorities that the certificate of a TLS target may come from; else the system's"},
    {.name = "tls-cert", .kind = ValueKind::text, .value = "FILE", .help = "our certificate, for a TLS target that asks for one"},
    {.name = "tls-key", .kind = ValueKind::text, .value = "FILE", .help = "its key"},
    {.name = "tls-any-host", .help = "do not verify the name in the certificate of a TLS target, only where it comes from"},
    {.name = "multicast", .help = "udp: each datagram to ADDRESS goes to all that expose it so, and to all that subscribe"},
};
constexpr Example kExposeExamples[] = {
    {"vanctl expose 8080 as greeting", "localhost:8080"},
    {"vanctl expose http://localhost:8080 as greeting", "each request goes where it is served best"},
    {"vanctl expose 10.0.0.5:5432 as database --cost 10", "used once others are 10 requests busier"},
    {"vanctl expose unix:/run/app.sock as app --port 80", "a Unix socket"},
    {"vanctl expose 8080 as greeting --health http:/healthz --health-interval 2s", "only while it answers well"},
    {"vanctl expose https://intranet.example:443 as intranet --tls-ca ca.pem", "TLS to the target, verified"},
    {"vanctl expose udp:53 as dns", "datagrams; the same as: expose 53 as dns --protocol udp"},
};
constexpr ExitMeaning kExposeExits[] = {kNotInTime,
                                        {ExitCode::not_found, "no such file"},
                                        {ExitCode::conflict, "this address and target are exposed already, or the address with another kind of protocol"}};

constexpr Example kUnexposeExamples[] = {
    {"vanctl unexpose greeting", "all targets of the address"},
    {"vanctl unexpose greeting localhost:8080", "one of them"},
};
constexpr ExitMeaning kUnexposeExits[] = {kNoAgent, kNotInTime, {ExitCode::not_found, "it is not exposed here"}};

constexpr std::string_view kBindProtocols[] = {"tcp", "udp", "http", "http2", "amqp"};
constexpr OptionSpec kBindOptions[] = {
    {.name = "protocol",
     .kind = ValueKind::choice,
     .help = "what the service speaks; else what the network says of it, or tcp; amqp: a port for AMQP 1.0 clients",
     .choices = kBindProtocols},
    {.name = "forwarded",
     .kind = ValueKind::choice,
     .help = "http: how requests are told of their client; default none",
     .choices = kForwarded},
    {.name = "tls-cert", .kind = ValueKind::text, .value = "FILE", .help = "clients come with TLS, which ends here: the certificate"},
    {.name = "tls-key", .kind = ValueKind::text, .value = "FILE", .help = "its key"},
    {.name = "multicast", .help = "udp: each datagram goes to all that expose ADDRESS with --multicast; known by itself once one does"},
};
constexpr Example kBindExamples[] = {
    {"vanctl bind greeting", "the service's own port, else a free one"},
    {"vanctl bind database 5432", "127.0.0.1:5432 and [::1]:5432"},
    {"vanctl bind database unix:db.sock", "a Unix socket"},
    {"vanctl bind intranet 8443 --tls-cert cert.pem --tls-key key.pem", "for clients that speak TLS"},
    {"vanctl bind --protocol amqp", "AMQP clients may use every address of the network; 5672 when it is free"},
    {"vanctl bind dns 5353 --protocol udp", "datagrams to port 5353 here"},
};
constexpr ExitMeaning kBindExits[] = {kNotInTime,
                                      {ExitCode::not_found, "no such file"},
                                      {ExitCode::conflict, "the port is in use, or the address has another kind of protocol"}};

constexpr Example kUnbindExamples[] = {
    {"vanctl unbind greeting", "all stand-ins of the address"},
    {"vanctl unbind greeting 127.0.0.1:8080", "one of them"},
};
constexpr ExitMeaning kUnbindExits[] = {kNoAgent, kNotInTime, {ExitCode::not_found, "it is not bound here"}};

constexpr OptionSpec kProxyOptions[] = {
    {.name = "socks",
     .kind = ValueKind::text,
     .value = "[HOST:]PORT",
     .help = "with 'on': where SOCKS5 (and SOCKS4A) clients come in; default 1080, or a free one; port 0 picks one"},
    {.name = "http",
     .kind = ValueKind::text,
     .value = "[HOST:]PORT",
     .help = "with 'on': where HTTP clients come in, as to a proxy or to NAME.localhost; default 3128, or a free one"},
};
constexpr Example kProxyExamples[] = {
    {"vanctl proxy on", "open the usual ports on loopback"},
    {"curl --socks5-hostname 127.0.0.1:1080 http://greeting/", "ask for a service by name"},
    {"curl --proxy http://127.0.0.1:3128 http://greeting.van/", "the same with HTTP"},
    {"curl http://greeting.localhost:3128/", "the same as browsers do it, without any setting"},
    {"vanctl proxy on --socks 0", "only a SOCKS port, a free one"},
    {"vanctl proxy", "where they are"},
};
constexpr ExitMeaning kProxyExits[] = {kNoAgent,
                                       kNotInTime,
                                       {ExitCode::conflict, "a port is in use, or is set in agent.toml"}};

constexpr OptionSpec kPublishOptions[] = {
    {.name = "lines", .help = "each line of standard input is a message, sent as soon as it comes"},
};
constexpr Example kPublishExamples[] = {
    {"vanctl publish alerts 'the pump has stopped'", "one message"},
    {"tail -f app.log | vanctl publish logs --lines", "a message for each line"},
    {"vanctl publish pictures < cat.jpg", "all of standard input as one message, up to 256,000 octets"},
};
constexpr ExitMeaning kPublishExits[] = {kNoAgent, kNotInTime};

constexpr OptionSpec kSubscribeOptions[] = {
    {.letter = 'n', .name = "count", .kind = ValueKind::number, .value = "N", .help = "end after N messages", .least = 1, .most = std::numeric_limits<std::int32_t>::max()},
};
constexpr Example kSubscribeExamples[] = {
    {"vanctl subscribe alerts", "a line for each message, until Ctrl-C"},
    {"vanctl subscribe alerts -o json -n 1", "the next one, as {\"text\": …} or {\"base64\": …}"},
};
constexpr ExitMeaning kSubscribeExits[] = {kNoAgent, kNotInTime, {ExitCode::conflict, "too many commands subscribe here"}};

// --- looking

constexpr ExitMeaning kViewExits[] = {kNoAgent, kNotInTime};
constexpr Example kStatusExamples[] = {
    {"vanctl status", ""},
    {"vanctl status -o json", "for scripts"},
};
constexpr Example kServicesExamples[] = {{"vanctl services -v", "with connections, bytes and targets"}};
constexpr Example kLinksExamples[] = {{"vanctl links -v", "with TLS version, cipher and end of the certificate"}};
constexpr Example kSitesExamples[] = {{"vanctl sites -o json", "an array of sites"}};

constexpr OptionSpec kLogsOptions[] = {
    {.letter = 'f', .name = "follow", .help = "go on with new lines until Ctrl-C"},
    {.letter = 'n',
     .name = "lines",
     .kind = ValueKind::number,
     .value = "N",
     .help = "how many of the last lines; default 100",
     .least = 0,
     .most = 1000},
    {.name = "level", .kind = ValueKind::choice, .help = "the least important level shown", .choices = kLevels},
};
constexpr Example kLogsExamples[] = {
    {"vanctl logs -n 20", "the last 20 lines"},
    {"vanctl logs -f --level warn", "problems, as they come"},
};

// --- the agent

constexpr Example kAgentRunExamples[] = {
    {"vanctl agent run --profile test", "what a service manager or a container starts"}};
constexpr ExitMeaning kAgentRunExits[] = {{ExitCode::conflict, "an agent runs for this profile already"}};
constexpr Example kAgentStartExamples[] = {{"vanctl agent start", ""}};
constexpr ExitMeaning kAgentStartExits[] = {{ExitCode::timeout, "it was started, but does not answer in time"}};
constexpr Example kAgentStopExamples[] = {{"vanctl agent stop --timeout 10", "wait ten seconds for its end"}};
constexpr Example kAgentRestartExamples[] = {{"vanctl agent restart", ""}};
constexpr Example kAgentStatusExamples[] = {{"vanctl agent status -q && echo yes", "ask in a script"}};
constexpr Example kHelpExamples[] = {{"vanctl help site create", ""}};

constexpr CommandSpec kCommands[] = {
    {.section = "Joining",
     .name = "join",
     .operands = "TOKEN",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Join a network with a token",
     .description =
         "Reads TOKEN, a file or '-' for standard input, and dials the site that made it. Starts the agent when none\n"
         "runs, waits until the link is up, and prints the sites and services of the network.\n"
         "A second token adds a second link; the same token again changes nothing.",
     .options = kJoinOptions,
     .examples = kJoinExamples,
     .exits = kJoinExits,
     .run = join},
    {.section = "Joining",
     .name = "leave",
     .operands = "[LINK]",
     .operands_min = 0,
     .operands_max = 1,
     .summary = "Remove a link, or all of the membership",
     .description = "Removes LINK; without it the only link there is.",
     .options = kLeaveOptions,
     .examples = kLeaveExamples,
     .exits = kLeaveExits,
     .run = leave},
    {.section = "Joining",
     .name = "site create",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Make this profile a full site that others can join",
     .description =
         "Makes this profile an interior site with a certificate authority of its own, and lets others dial in.\n"
         "Starts the agent when none runs.",
     .options = kSiteCreateOptions,
     .examples = kSiteCreateExamples,
     .exits = kSiteCreateExits,
     .run = site_create},
    {.section = "Joining",
     .name = "site delete",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "Stop the agent and delete identity and state",
     .description = "Closes all links, deletes keys, certificates and state, and ends the agent; its log stays. Tokens of this site "
                    "can't be used\n"
                    "any more. Asks first, on a terminal; elsewhere --yes is needed.",
     .options = kSiteDeleteOptions,
     .examples = kSiteDeleteExamples,
     .exits = kSiteDeleteExits,
     .run = site_delete},
    {.section = "Joining",
     .name = "token create",
     .operands = "[FILE|-]",
     .operands_min = 0,
     .operands_max = 1,
     .summary = "Make a token that lets another site join this one",
     .description =
         "Writes a token to FILE, which only you can read then, or to standard output. Whoever has it can join the\n"
         "network: treat it as a password. An old FILE is replaced.",
     .options = kTokenCreateOptions,
     .examples = kTokenCreateExamples,
     .exits = kTokenCreateExits,
     .run = token_create},

    {.section = "Services",
     .name = "expose",
     .operands = "TARGET as ADDRESS",
     .operands_min = 3,
     .operands_max = 3,
     .summary = "Put a local service into the network",
     .description =
         "Others reach TARGET by ADDRESS from now on. TARGET is 8080, localhost:8080, [::1]:8080, unix:/path or udp:9000.\n"
         "Starts the agent when none runs; what is exposed before joining is offered as soon as there is a link.",
     .options = kExposeOptions,
     .examples = kExposeExamples,
     .exits = kExposeExits,
     .run = expose},
    {.section = "Services",
     .name = "unexpose",
     .operands = "ADDRESS [TARGET]",
     .operands_min = 1,
     .operands_max = 2,
     .summary = "Take a local service out of the network",
     .description = "Streams in flight may finish.",
     .options = {},
     .examples = kUnexposeExamples,
     .exits = kUnexposeExits,
     .run = unexpose},
    {.section = "Services",
     .name = "bind",
     .operands = "ADDRESS [LOCAL] | --protocol amqp [[NAME] LOCAL]",
     .operands_min = 0,
     .operands_max = 2,
     .summary = "Open a local stand-in for a service of the network",
     .description =
         "Connections to LOCAL go to the service at ADDRESS. LOCAL is 5432, 127.0.0.1:5432 or unix:/path; without it\n"
         "the service's own port is taken, else a free one, which is kept from then on. A port without a host is one of\n"
         "127.0.0.1 and ::1; with a host it is that host's alone.\n"
         "With --protocol amqp LOCAL is a port for AMQP 1.0 clients, which may use every address of the network; without it\n"
         "5672 is taken, else a free one. NAME, amqp unless given, is what unbind and services call it.",
     .options = kBindOptions,
     .examples = kBindExamples,
     .exits = kBindExits,
     .run = bind_address},
    {.section = "Services",
     .name = "unbind",
     .operands = "ADDRESS [LOCAL]",
     .operands_min = 1,
     .operands_max = 2,
     .summary = "Close a local stand-in",
     .description = "Streams in flight may finish.",
     .options = {},
     .examples = kUnbindExamples,
     .exits = kUnbindExits,
     .run = unbind},

    {.section = "Services",
     .name = "proxy",
     .operands = "[on|off]",
     .operands_min = 0,
     .operands_max = 1,
     .summary = "Reach services by name, without stand-ins",
     .description =
         "Opens or closes ports where a host name is a service: 'greeting', 'greeting:8080' and 'greeting.van' are the\n"
         "service at address greeting. What is not in the network is refused, nothing goes anywhere else. Without\n"
         "operand: shows the ports. Those that are opened stay so over restarts.",
     .options = kProxyOptions,
     .examples = kProxyExamples,
     .exits = kProxyExits,
     .run = proxy},
    {.section = "Services",
     .name = "publish",
     .operands = "ADDRESS [MESSAGE]",
     .operands_min = 1,
     .operands_max = 2,
     .summary = "Send events to all that subscribe",
     .description =
         "Sends MESSAGE, all of standard input, or each of its lines, to everybody in the network who subscribes to\n"
         "ADDRESS or exposes it with --multicast. Nothing is kept for who comes later. A message has at most 256,000\n"
         "octets; a UDP server gets those of up to 65,507.",
     .options = kPublishOptions,
     .examples = kPublishExamples,
     .exits = kPublishExits,
     .run = publish},
    {.section = "Services",
     .name = "subscribe",
     .operands = "ADDRESS",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Print events as they come",
     .description =
         "Prints what anybody publishes to ADDRESS, a line each, until Ctrl-C. Who reads too slowly loses messages, the\n"
         "oldest first, and is told on standard error how many.",
     .options = kSubscribeOptions,
     .examples = kSubscribeExamples,
     .exits = kSubscribeExits,
     .run = subscribe},

    {.section = "Looking",
     .name = "status",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "Site, links, sites and services",
     .description = "Shows this site, its links, the sites of the network and the services in it.",
     .options = {},
     .examples = kStatusExamples,
     .exits = kViewExits,
     .run = show_status},
    {.section = "Looking",
     .name = "sites",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "The sites of the network",
     .description = "Shows every other site, and how far away it is.",
     .options = {},
     .examples = kSitesExamples,
     .exits = kViewExits,
     .run = show_sites},
    {.section = "Looking",
     .name = "links",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "The links of this site",
     .description = "A link is up, connecting, standby (another link of an edge site is in use) or down.",
     .options = {},
     .examples = kLinksExamples,
     .exits = kViewExits,
     .run = show_links},
    {.section = "Looking",
     .name = "services",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "The services of the network",
     .description = "Shows every address known in the network, where it is exposed, and its stand-in here.",
     .options = {},
     .examples = kServicesExamples,
     .exits = kViewExits,
     .run = show_services},
    {.section = "Looking",
     .name = "logs",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "The agent's log",
     .description = "Shows the last lines of the agent's log.",
     .options = kLogsOptions,
     .examples = kLogsExamples,
     .exits = kViewExits,
     .run = show_logs},

    {.section = "The agent",
     .name = "agent run",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "Run the agent in the foreground",
     .description = "Runs until it is told to end, by a signal or 'vanctl agent stop'.",
     .options = {},
     .examples = kAgentRunExamples,
     .exits = kAgentRunExits,
     .run = agent_run},
    {.section = "The agent",
     .name = "agent start",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "Start the agent in the background",
     .description = "Returns when it answers. An agent that runs already is left alone.",
     .options = {},
     .examples = kAgentStartExamples,
     .exits = kAgentStartExits,
     .run = agent_start},
    {.section = "The agent",
     .name = "agent stop",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "End the agent",
     .description = "Returns when its process is gone. Site, links and services come back with the next start.",
     .options = {},
     .examples = kAgentStopExamples,
     .exits = kViewExits,
     .run = agent_stop},
    {.section = "The agent",
     .name = "agent restart",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "End the agent and start it again",
     .description = "Starts it when none runs.",
     .options = {},
     .examples = kAgentRestartExamples,
     .exits = kAgentStartExits,
     .run = agent_restart},
    {.section = "The agent",
     .name = "agent status",
     .operands = "",
     .operands_min = 0,
     .operands_max = 0,
     .summary = "Whether an agent runs",
     .description = "Exit code 0: one answers; 3: none does.",
     .options = {},
     .examples = kAgentStatusExamples,
     .exits = kViewExits,
     .run = agent_status},

    {.section = "Help",
     .name = "help",
     .operands = "[COMMAND]",
     .operands_min = 0,
     .operands_max = 2,
     .summary = "Explain a command",
     .description = "Without COMMAND: an overview.",
     .options = {},
     .examples = kHelpExamples,
     .exits = {},
     .run = nullptr},
};

}  // namespace

std::span<const CommandSpec> commands() { return kCommands; }
std::span<const GroupSpec> groups() { return kGroups; }
std::span<const OptionSpec> global_options() { return kGlobalOptions; }

const CommandSpec* find_command(std::string_view name) {
  const auto all = commands();
  const auto found =
      std::find_if(all.begin(), all.end(), [name](const CommandSpec& command) { return command.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace van::cli
