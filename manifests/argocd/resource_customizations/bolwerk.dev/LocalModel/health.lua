-- LocalModel follows kstatus: status.observedGeneration, Ready always there once the operator has looked, and
-- Reconciling or Stalled only while they are true.
hs = { status = "Progressing", message = "Waiting for the Bolwerk operator" }

if obj.status == nil or obj.status.conditions == nil then
  return hs
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  hs.message = "Waiting for the Bolwerk operator to look at the newest change"
  return hs
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end

local stalled = conditions["Stalled"]
if stalled ~= nil and stalled.status == "True" then
  hs.status = "Degraded"
  hs.message = stalled.message
  return hs
end

local reconciling = conditions["Reconciling"]
if reconciling ~= nil and reconciling.status == "True" then
  hs.message = reconciling.message
  return hs
end

local ready = conditions["Ready"]
if ready ~= nil then
  hs.message = ready.message
  if ready.status == "True" then
    hs.status = "Healthy"
    if ready.reason == "ScaledToZero" then
      hs.status = "Suspended"
    end
  end
end
return hs
