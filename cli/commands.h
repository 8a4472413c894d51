#pragma once

#include "cli/session.h"

/// The commands, one function each; what each takes and means is its row in command_table.cpp.
namespace van::cli {

Result<Answer> site_create(Session& session);
Result<Answer> site_delete(Session& session);
Result<Answer> token_create(Session& session);
Result<Answer> join(Session& session);
Result<Answer> leave(Session& session);

Result<Answer> expose(Session& session);
Result<Answer> unexpose(Session& session);
Result<Answer> bind_address(Session& session);
Result<Answer> unbind(Session& session);
Result<Answer> proxy(Session& session);
Result<Answer> publish(Session& session);
Result<Answer> subscribe(Session& session);

Result<Answer> show_status(Session& session);
Result<Answer> show_sites(Session& session);
Result<Answer> show_links(Session& session);
Result<Answer> show_services(Session& session);
Result<Answer> show_logs(Session& session);

Result<Answer> agent_run(Session& session);
Result<Answer> agent_start(Session& session);
Result<Answer> agent_stop(Session& session);
Result<Answer> agent_restart(Session& session);
Result<Answer> agent_status(Session& session);

}  // namespace van::cli
