# Watchkeeper: removes one registry key, or with -Value one value of it, after keeping it; with -Undo it puts it back.
# Without -Apply it only looks. Prints one line of JSON. Texts come as base64url of UTF-8: nothing needs quotes.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][ValidatePattern('^[A-Za-z0-9_-]{2,1400}$')][string]$Key,
    [ValidatePattern('^[A-Za-z0-9_-]{2,700}$')][string]$Value,
    [switch]$Undo,
    [switch]$Apply
)
$ErrorActionPreference = 'Stop'; $exit = 0
$answer = [ordered]@{ script = 'remove-registry-key'; version = '1'; applied = [bool]$Apply; target = ''
    before = @{}; after = @{}; changed = $false; undo = ''; error = '' }
$store = Join-Path $env:ProgramData 'Watchkeeper\Registry'
function ConvertFrom-Coded([string]$Text) {
    $plain = $Text.Replace('-', '+').Replace('_', '/')
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($plain + '=' * ((4 - $plain.Length % 4) % 4)))
}
function Get-State([string]$Path, [string]$Name) {
    $item = Get-Item -LiteralPath "Registry::$Path" -ErrorAction SilentlyContinue
    if (-not $item -or ($Name -and $item.GetValueNames() -notcontains $Name)) { return [ordered]@{ exists = 'no' } }
    if ($Name) { return [ordered]@{ exists = 'yes'; kind = [string]$item.GetValueKind($Name) } }
    [ordered]@{ exists = 'yes'; values = [string]$item.ValueCount; keys = [string]$item.SubKeyCount }
}
function Invoke-Reg { # It writes to the error stream even where all went well, which would end the script under 'Stop'.
    & { $ErrorActionPreference = 'Continue'; & reg.exe @args 2>&1 | Out-Null } @args
    if ($LASTEXITCODE -ne 0) { throw "reg.exe $($args[0]) answered $LASTEXITCODE" }
}
function Assert-Allowed([string]$Path, [string]$Name) {
    if ($Path -notmatch '^(HKEY_LOCAL_MACHINE|HKEY_USERS)(\\[^\\\x00-\x1f*?"]{1,255}){3,30}$') {
        throw 'This is not a key at least three levels below HKEY_LOCAL_MACHINE or HKEY_USERS'
    }
    $own = '\\(Windows Defender|Microsoft Defender|Windows Advanced Threat Protection|Watchkeeper)(\\|$)'
    $services = '\\Services\\(Sense\w*|WinDefend|Wd(Filter|Boot|NisDrv|NisSvc)|MDCoreSvc|MsSec\w+|mpssvc|BFE|RpcSs|EventLog|' +
        'SamSs|DcomLaunch|Tcpip|Dhcp|Dnscache|LanmanWorkstation|Schedule|ProfSvc|PlugPlay|Power|CryptSvc)(\\|$)'
    $own += "|^HKEY_LOCAL_MACHINE\\(SAM|SECURITY|HARDWARE|BCD)|$services"
    if ($Path -match $own) { throw 'This key belongs to Windows or Defender and is never touched' }
    $whole = '\\(Run|RunOnce|Winlogon|Policies|Uninstall|Explorer|Control|Services|CurrentVersion|Lsa|Session Manager|' +
        'Image File Execution Options|CLSID|Classes|Microsoft|Windows|Windows NT)$|\\Control\\[^\\]+$'
    if (-not $Name -and $Path -match $whole) { throw 'This key as a whole is never removed: name one value of it' }
}
try {
    $answer.target = $path = (ConvertFrom-Coded $Key) -replace '^HKLM\\', 'HKEY_LOCAL_MACHINE\' -replace '^HKU\\', 'HKEY_USERS\'
    $name = if ($Value) { ConvertFrom-Coded $Value } else { '' }
    Assert-Allowed $path $name
    $item = "Registry::$path"
    $answer.before = Get-State $path $name
    $answer.undo = if ($Undo) { 'remove-registry-key' } else { 'restore-registry-key' }
    if ($Undo) {
        $notes = Get-ChildItem -LiteralPath $store -Filter '*.xml' -ErrorAction SilentlyContinue | Sort-Object LastWriteTimeUtc
        $found = $notes | ForEach-Object { Import-Clixml $_.FullName } |
            Where-Object { $_.Key -eq $path -and $_.Name -eq $name } | Select-Object -Last 1
        if (-not $found) { throw 'Nothing was removed from there' }
        if ($answer.before.exists -eq 'yes') { throw 'It is there again: it is not overwritten' }
        $answer.after = [ordered]@{ exists = 'yes' }
        if ($Apply -and -not $name) { Invoke-Reg import $found.File }
        if ($Apply -and $name) {
            $types = @{ Binary = [byte[]]; MultiString = [string[]]; DWord = [int]; QWord = [long] }
            $data = $found.Data -as $(if ($types[$found.Kind]) { $types[$found.Kind] } else { [string] })
            New-ItemProperty -LiteralPath $item -Name $name -PropertyType $found.Kind -Value $data | Out-Null
        }
    } else {
        if ($answer.before.exists -ne 'yes') { throw 'There is no such key or value' }
        $answer.after = [ordered]@{ exists = 'no' }
        if ($Apply) {
            New-Item -ItemType Directory -Path $store -Force | Out-Null
            & icacls.exe $store /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
            $place = Join-Path $store ([guid]::NewGuid().ToString('N'))
            Invoke-Reg export $path "$place.reg" /y
            $data = if ($name) { (Get-Item -LiteralPath $item).GetValue($name, $null, 'DoNotExpandEnvironmentNames') }
            [pscustomobject]@{ Key = $path; Name = $name; File = "$place.reg"; Kind = [string]$answer.before.kind
                Data = $data } | Export-Clixml -LiteralPath "$place.xml"
            if ($name) { Remove-ItemProperty -LiteralPath $item -Name $name } else { Remove-Item -LiteralPath $item -Recurse }
        }
    }
    if ($Apply) { $answer.after = Get-State $path $name; $answer.changed = $answer.after.exists -ne $answer.before.exists }
} catch { $answer.error = [string]$_.Exception.Message; $exit = 1 }
$json = $answer | ConvertTo-Json -Compress -Depth 4
[regex]::Replace($json, '[^\x20-\x7e]', { param($one) '\u{0:x4}' -f [int][char]$one.Value })
exit $exit
